"""The table of faults and the tests that show what it promises: neither without the other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs.pages import DOCS

TESTS = DOCS.parent / "tests"
_ROW = re.compile(r"^\| `([a-z0-9-]+)` \|.*\| `([\w/]+\.py)::(\w+)` \|$", re.M)
_MARK = "pytest.mark.fault"
_ON_REAL_PROCESSES = 30


def _rows() -> dict[str, tuple[str, str]]:
    """Return by id the file and the function that the table names."""
    page = (DOCS / "explanation" / "faults.md").read_text(encoding="utf-8")
    found = _ROW.findall(page)
    assert len(found) == page.count("\n| `"), "A row of the table has another form."
    ids = [name for name, _, _ in found]
    assert len(set(ids)) == len(ids), "An id stands for two faults."
    return {name: (file, function) for name, file, function in found}


def _marked() -> dict[str, set[tuple[str, str]]]:
    """Return by id the tests that carry its marker."""
    found: dict[str, set[tuple[str, str]]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if _MARK in text:
            for name, function in _marks_of(ast.parse(text)):
                file = str(path.relative_to(TESTS))
                found.setdefault(name, set()).add((file, function))
    return found


def _marks_of(module: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                for call in ast.walk(decorator):
                    if isinstance(call, ast.Call) and ast.unparse(call.func) == _MARK:
                        [argument] = call.args
                        assert isinstance(argument, ast.Constant), ast.unparse(call)
                        yield str(argument.value), node.name


def test_every_fault_has_its_test_and_every_test_its_fault() -> None:
    """Compare the ids of the table with the markers of the tests that it names."""
    rows, marked = _rows(), _marked()
    assert sorted(rows) == sorted(marked)
    assert {name for name, test in rows.items() if test not in marked[name]} == set()


def test_enough_faults_are_shown_on_real_processes() -> None:
    """Count the ids whose tests start, kill and stop processes."""
    real = {
        name
        for name, (file, _) in _rows().items()
        if file.startswith("acceptance/") and _starts_processes(TESTS / file)
    }
    assert len(real - {"interrupted-within-30-seconds"}) >= _ON_REAL_PROCESSES


def _starts_processes(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    signs = (".start_celery(", ".start_daphne(", ".start_tasks_worker(", ".start(", "killing")
    return any(sign in text for sign in (*signs, "Stack"))

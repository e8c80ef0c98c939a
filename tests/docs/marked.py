"""Tables of the documents whose rows name a test that carries the row's id as a marker."""

import ast
import re
from collections.abc import Iterator

from tests.docs.pages import DOCS

TESTS = DOCS.parent / "tests"
_ROW = re.compile(r"^\| `([a-z0-9-]+)` \|.*\| `([\w/]+\.py)::(\w+)` \|$", re.M)


def rows(page: str) -> dict[str, tuple[str, str]]:
    """Return by id the file and the function that the table of a page below docs/ names."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = _ROW.findall(text)
    assert len(found) == text.count("\n| `"), "A row of the table has another form."
    ids = [name for name, _, _ in found]
    assert len(set(ids)) == len(ids), "An id stands for two rows."
    return {name: (file, function) for name, file, function in found}


def marked(marker: str) -> dict[str, set[tuple[str, str]]]:
    """Return by id the tests that carry a marker with it."""
    mark = f"pytest.mark.{marker}"
    found: dict[str, set[tuple[str, str]]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if mark in text:
            for name, function in _marks_of(ast.parse(text), mark):
                file = str(path.relative_to(TESTS))
                found.setdefault(name, set()).add((file, function))
    return found


def _marks_of(module: ast.Module, mark: str) -> Iterator[tuple[str, str]]:
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                for call in ast.walk(decorator):
                    if isinstance(call, ast.Call) and ast.unparse(call.func) == mark:
                        [argument] = call.args
                        assert isinstance(argument, ast.Constant), ast.unparse(call)
                        yield str(argument.value), node.name

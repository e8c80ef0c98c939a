"""Every fenced block of the pages is executed by a test, or says why it cannot be."""

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

from tests.docs.excused import REASONS
from tests.docs.executed import EXECUTED, READ_OTHERWISE
from tests.docs.pages import DOCS, Block, every_block, every_page

TESTS = DOCS.parent / "tests"
TABLES = (EXECUTED, REASONS)
ROWS = [
    (page, head, said)
    for table in TABLES
    for said, pages in table.items()
    for page, heads in pages.items()
    for head in heads
]
RUN_BY_THEIR_LANGUAGE = {"python", "django", "html", "console"}
FEWEST_BLOCKS = 250
_OF_JAVASCRIPT = re.compile(r'^ *it\("([^"]+)"', re.M)


def matching(block: Block) -> list[tuple[str, str, str]]:
    """Return the rows of a block: by its page before those by a pattern, by more words first."""
    found = [
        row for row in ROWS if fnmatchcase(block.page, row[0]) and block.head.startswith(row[1])
    ]
    found = [row for row in found if row[0] == block.page] or found
    most = max((len(row[1]) for row in found), default=0)
    return [row for row in found if len(row[1]) == most]


BLOCKS = [block for page in every_page() for block in every_block(page)]


def test_every_block_has_one_row() -> None:
    assert len(BLOCKS) > FEWEST_BLOCKS
    wrong = {f"{block.page}: {block.head}": matching(block) for block in BLOCKS}
    assert {head: rows for head, rows in wrong.items() if len(rows) != 1} == {}


def test_every_row_has_a_block() -> None:
    used = {row for block in BLOCKS for row in matching(block)}
    assert [row for row in ROWS if row not in used] == []


def test_what_can_be_run_is_run() -> None:
    """Reasons are exceptions."""
    run = [block for block in BLOCKS if block.language in RUN_BY_THEIR_LANGUAGE]
    excused = [block for block in run if any(row[2] in REASONS for row in matching(block))]
    assert len(excused) < len(run) / 20


@pytest.mark.parametrize("name", EXECUTED)
def test_a_test_that_is_named_exists_and_reads_the_blocks(name: str) -> None:
    file, _, function = name.partition("::")
    assert function in functions(TESTS / file)
    mine = [(block, row) for block in BLOCKS for row in matching(block) if row[2] == name]
    if name not in READ_OTHERWISE:
        unread = [block.head for block, row in mine if not reads(TESTS / file, block, row)]
        assert unread == []


def functions(path: Path) -> set[str]:
    """Return the tests of a file; those in JavaScript by what they are called."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".mjs":
        return set(_OF_JAVASCRIPT.findall(text))
    return {
        node.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def reads(path: Path, block: Block, row: tuple[str, str, str]) -> bool:
    """Return whether a test, or what it imports of the tests, takes a block from its page."""
    strings, calls = words(path)
    page, head, _ = row
    if page == block.page and page not in strings:
        return False
    ways = {
        "block": head in strings,
        "those": head in strings,
        "every_block": "every_page" in calls,
        "blocks": block.language in strings,
        "snippets": block.language in strings,
        "sections": block.language in {"python", "console"},
        "files": block.head.startswith("python # "),
        "all_files": block.head.startswith("python # "),
        "sessions": block.language == "console",
        "parameters": block.language == "console",
    }
    return any(can for name, can in ways.items() if name in calls)


@cache
def words(path: Path) -> tuple[frozenset[str], frozenset[str]]:
    """Return the strings of a file, and the names that it calls; with those of its helpers."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    strings, calls = set[str](), set[str]()
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            strings.add(node.value)
        elif isinstance(node, ast.Call):
            calls.add(ast.unparse(node.func))
    for helper in helpers(module):
        more_strings, more_calls = words(helper)
        strings |= more_strings
        calls |= more_calls
    return frozenset(strings), frozenset(calls)


def helpers(module: ast.Module) -> Iterator[Path]:
    """Yield the files of the documents' tests that a module imports, but for the readers."""
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests.docs"):
            names = {node.module or "", *(f"{node.module}.{each.name}" for each in node.names)}
            for name in sorted(names - {"tests.docs.pages", "tests.docs"}):
                path = TESTS.parent / f"{name.replace('.', '/')}.py"
                if path.is_file():
                    yield path

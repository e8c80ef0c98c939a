"""The number of hostile cases that a run of all tests tries."""

import ast
from pathlib import Path

from tests.fuzz.cases import BATCH, CASES


def test_twenty_thousand_cases_are_tried_by_tests_that_there_are() -> None:
    """Compare the table with the tests, each of which must ask it for its number."""
    assert sum(CASES.values()) >= 20_000
    for test, number in CASES.items():
        file, name = test.split("::")
        text = (Path(__file__).parent / file).read_text(encoding="utf-8")
        names = {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
        assert name in names, test
        assert f'"{test}"' in text, "it asks for its number by its name"
        assert number % BATCH == 0 or "frames" not in file

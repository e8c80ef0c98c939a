"""The table of faults and the tests that show what it promises: neither without the other."""

from pathlib import Path

from tests.docs.marked import TESTS, marked, rows

_PAGE = "explanation/faults.md"
_ON_REAL_PROCESSES = 30


def test_every_fault_has_its_test_and_every_test_its_fault() -> None:
    """Compare the ids of the table with the markers of the tests that it names."""
    promised, shown = rows(_PAGE), marked("fault")
    assert sorted(promised) == sorted(shown)
    assert {name for name, test in promised.items() if test not in shown[name]} == set()


def test_enough_faults_are_shown_on_real_processes() -> None:
    """Count the ids whose tests start, kill and stop processes."""
    real = {
        name
        for name, (file, _) in rows(_PAGE).items()
        if file.startswith("acceptance/") and _starts_processes(TESTS / file)
    }
    assert len(real - {"interrupted-within-30-seconds"}) >= _ON_REAL_PROCESSES


def _starts_processes(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    signs = (".start_celery(", ".start_daphne(", ".start_tasks_worker(", ".start(", "killing")
    return any(sign in text for sign in (*signs, "Stack"))

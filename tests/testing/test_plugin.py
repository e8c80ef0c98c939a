"""The pytest plugin: what it costs, and what stands below a test that failed."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from liveops.testing import RecordingProgress, run_operation
from liveops.testing.record import Record
from tests.testapp.models import Scripted, Walk

ROOT = Path(__file__).resolve().parents[2]

_FAILING = """
import pytest
from liveops.testing import RecordingProgress, run_operation
from tests.testapp.models import Walk

def test_recorded():
    op = Walk(items=1)
    p = RecordingProgress(op)
    op.run(p)
    assert p.lines == ["Load 0"]

@pytest.mark.django_db
def test_run():
    outcome = run_operation(Walk.objects.create(items=1), cancel_at="Save")
    assert outcome.state == "FINISHED_OK"

def test_nothing():
    assert False
"""


def test_a_failure_tells_what_the_operation_did(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_them=_FAILING)
    pytester.syspathinsert(ROOT)
    arguments = ["-p", "liveops.testing.plugin", "--ds=tests.settings", "--no-migrations"]
    result = pytester.runpytest_subprocess(*arguments)
    result.assert_outcomes(failed=3)
    parts = result.stdout.str().split("\n____")[1:]
    recorded, run, nothing = (
        next(part for part in parts if f" {name} __" in part)
        for name in ("test_recorded", "test_run", "test_nothing")
    )
    assert "- operation -" in recorded
    assert "=== Validate: done" in recorded
    assert "Outcome Walk CANCELLED" in run
    assert "Walk CANCELLED; Load done; Validate done; Save cancelled" in run
    assert "cancel   asked for\n=== Save: cancelled" in run
    assert "- operation -" not in nothing


def test_it_loads_nothing_and_stands_without_django(tmp_path: Path) -> None:
    tmp_path.joinpath("test_plain.py").write_text(
        "import sys\n\n"
        "def test_it():\n"
        "    loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "    assert not loaded & {'django', 'channels', 'rich', 'tenacity'}\n"
        "    ours = {name for name in sys.modules if name.startswith('liveops')}\n"
        "    assert ours == {'liveops', 'liveops.testing', 'liveops.testing.plugin'}\n"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "liveops.testing.plugin",
        "test_plain.py",
    ]
    environment = {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_fixtures(live_operation: Any, liveops_watch: Any, ann: Any) -> None:
    op = live_operation(Walk, owner=ann, items=1)
    watch = liveops_watch(op, user=ann)
    assert run_operation(op).state == "FINISHED_OK"
    assert watch.until("FINISHED_OK")
    assert live_operation.run(Walk, items=1).result == {"items": 1}
    assert live_operation.enqueue(Walk, items=1).get_state() == "FINISHED_OK"
    assert liveops_watch(op).refused == "not_found"


def test_a_representation_fits_where_pytest_cuts_it(ann: Any) -> None:
    def body(op: Any, p: Any) -> None:
        with p.stage("Load"):
            raise LookupError("no such file")

    Scripted.body = body
    outcome = run_operation(Scripted.objects.create(owner=ann))
    assert repr(outcome) == (
        "<Outcome Scripted FINISHED_ERROR; It stopped with an unexpected error (LookupError).; "
        "LookupError: no such file; Load failed>"
    )
    assert len(repr(outcome)) < 240


def test_what_a_recording_progress_has_of_its_own_hides_nothing() -> None:
    own = {name for name in vars(RecordingProgress) if not name.startswith("_")}
    inherited = {name for base in RecordingProgress.__mro__[1:] for name in vars(base)}
    assert own & inherited == {"capture_logging"}
    assert {"lines", "statuses", "percents", "changes", "waits", "commands"} <= set(vars(Record()))

"""Other places where operations run: a terminal, a worker of Django's tasks; default times."""

import json
from itertools import count

import pytest

from liveops import control
from liveops.conf import Settings
from liveops.reaping import Reaper
from tests.acceptance.survival.scenes import (
    QUICK,
    assert_no_gap,
    lines_of,
    state_of,
    stored,
    wait_for,
)
from tests.engines.fixtures import MakeEngines
from tests.engines.models import ResumingPlan, StagedPlan
from tests.engines.waiting import until

PLAN = {
    "Load": [["log", "loaded"], ["return", 3]],
    "Change": [["log", "on"], ["wait", "here"]],
}


@pytest.mark.fault("killed-terminal")
def test_a_run_in_a_killed_terminal(engines: MakeEngines) -> None:
    """Kill `run_liveop`: the run ends INTERRUPTED, and is left to whoever sits at the terminal."""
    site = engines(liveops=QUICK)
    with site.here():
        command = ("python", "-m", "django", "run_liveop", "engines.ResumingPlan")
        terminal = site.start(*command, "--set", f"plan={json.dumps(PLAN)}")
        until(ResumingPlan.objects.exists, 60, lambda: terminal.log)
        operation = ResumingPlan.objects.get()
        site.reached(operation, "here")
        until(lambda: len(lines_of(operation)) == 2, what="two lines")
        terminal.kill()

        def is_reaped() -> bool:
            site.manage("liveops_reap")
            return state_of(operation) != "STARTED"

        until(is_reaped, 60)
        assert state_of(operation) == "INTERRUPTED"
        assert stored(operation).stage_states == {"Load": "done", "Change": "interrupted"}
        assert stored(operation).resumes_left == 0  # nobody expects it to go on elsewhere
        assert_no_gap(operation)

        site.let_go(operation, "here")
        site.manage("liveops_resume", str(operation.pk))
        assert state_of(operation) == "FINISHED_OK"
        begun = [entry.stage for entry in site.journal.begun(operation)]
        assert begun == ["Load", "Change", "Change", "Save"]


@pytest.mark.fault("killed-db-worker")
def test_a_killed_worker_of_django_tasks(engines: MakeEngines) -> None:
    """Kill `db_worker` in mid-stage; another one carries the operation to its end."""
    site = engines(database="postgres", runner="tasks", tasks="db", liveops=QUICK)
    with site.here():
        worker = site.start_tasks_worker()
        operation = StagedPlan.objects.create(plan=PLAN)
        operation.enqueue()
        site.reached(operation, "here")
        until(lambda: len(lines_of(operation)) == 2, what="two lines")
        worker.kill()
        reaper = Reaper()
        until(lambda: reaper.round() and state_of(operation) == "INTERRUPTED", 45)
        assert stored(operation).stage_states == {"Load": "done", "Change": "interrupted"}
        worker.again()
        site.let_go(operation, "here")
        control.resume(stored(operation))
        wait_for(operation, "FINISHED_OK")
        assert_no_gap(operation)
        begun = [entry.stage for entry in site.journal.begun(operation)]
        assert begun == ["Load", "Change", "Change", "Save"]
    assert site.journal.twice_at_once() == []


@pytest.mark.fault("interrupted-within-30-seconds")
def test_the_default_settings_find_a_dead_run_within_30_seconds() -> None:
    """Add up the longest times: silence, the next look, and the look that confirms it."""
    settings = Settings()
    reaper = Reaper(clock=count().__next__)
    silence = settings.STALE_SECONDS
    assert silence + settings.REAP_SECONDS + reaper.confirm_seconds <= 30 - 2  # 2: the hub's look

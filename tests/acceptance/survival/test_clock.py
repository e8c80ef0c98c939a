"""A worker whose clock is ten minutes off, either way, between machines whose clocks are right."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from liveops import snapshot
from liveops.models import LiveOperation, LiveProgress
from tests.engines.fixtures import MakeEngines
from tests.engines.models import StagedPlan
from tests.engines.process import Process
from tests.engines.site import Engines
from tests.engines.waiting import until

OFF = [pytest.param(600, id="ahead"), pytest.param(-600, id="behind")]
QUICK = {"HEARTBEAT_SECONDS": 0.4, "STALE_SECONDS": 1.5, "REAP_SECONDS": 0.4}


@pytest.fixture
def site(engines: MakeEngines) -> Engines:
    """Return a site whose operations run in workers."""
    return engines(database="postgres", runner="tasks", tasks="db", liveops=QUICK)


def worker_with_clock(site: Engines, seconds: int) -> Process:
    """Start a worker whose clock is off."""
    options = ("--interval", "0.1", "--no-startup-delay", "--queue-name", "*")
    off = ("-m", "tests.acceptance.survival.off_clock", str(seconds))
    command = ("python", *off, "django", "db_worker", *options)
    return site.start(*command, name="off_worker", ready="Starting worker", is_fork=False)


@pytest.mark.fault("clock-off")
@pytest.mark.parametrize("seconds", OFF)
def test_a_wrong_clock_makes_nobody_look_dead_or_alive(site: Engines, seconds: int) -> None:
    reaper = site.start("python", "-m", "django", "liveops_reap", "--loop")
    worker = worker_with_clock(site, seconds)
    with site.here():
        operation = StagedPlan.objects.create(
            plan={"Load": [["log", "one"]], "Change": [["wait", "changing"]]}
        )
        operation.enqueue()
        site.reached(operation, "changing")
        started = StagedPlan.objects.get(pk=operation.pk).started_on
        assert started is not None
        off_by = started - datetime.now(UTC) - timedelta(seconds=seconds)
        assert abs(off_by) < timedelta(seconds=120), "the clock of the worker is wrong"
        for _ in range(4):  # longer than it may be silent
            before = _beat(operation)
            until(lambda: _beat(operation) > before)  # noqa: B023
        assert StagedPlan.objects.get(pk=operation.pk).get_state() == "STARTED"
        _no_negative_durations(operation)
        worker.kill()
        until(lambda: StagedPlan.objects.get(pk=operation.pk).get_state() == "INTERRUPTED")
        ended = StagedPlan.objects.get(pk=operation.pk)
        assert ended.stage_states == {"Load": "done", "Change": "interrupted"}
        _no_negative_durations(operation)
    told = f"interrupted: {operation.pk}"
    until(lambda: told in reaper.log, what=lambda: reaper.log)
    assert reaper.log.count("\ninterrupted: ") == 1


def _beat(operation: LiveOperation) -> datetime:
    beat = LiveProgress.objects.get(operation=operation).heartbeat_on
    assert beat is not None
    return beat


def _no_negative_durations(operation: LiveOperation) -> None:
    """Check what a page that is opened now says of times."""
    fresh = LiveOperation.objects.get(pk=operation.pk)
    html = snapshot.take(fresh).fragments(None)
    spoken = re.sub(r"<[^>]+>", " ", html)
    assert not re.search(r"(?<![\w-])-\d", spoken), spoken

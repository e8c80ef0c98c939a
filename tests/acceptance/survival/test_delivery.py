"""Messages that come twice, come back, come never; clicks that come twice."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections, transaction

from liveops import control
from liveops.exceptions import InvalidStateError
from liveops.models import ControlRecord, LiveOperation
from liveops.reaping import Reaper
from liveops.runners.celery import run_operation
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
from tests.engines.servers import Redis
from tests.engines.site import Engines
from tests.engines.waiting import until

LATE = {"CELERY_TASK_ACKS_LATE": True, "CELERY_TASK_REJECT_ON_WORKER_LOST": True}
PLAN = {"Load": [["log", "on"], ["wait", "here"]]}


@pytest.fixture(scope="module")
def late(module_engines: MakeEngines) -> Iterator[Engines]:
    """A site whose messages are acknowledged late, so that they come back; no worker yet."""
    site = module_engines(
        database="postgres", layer="core", runner="celery", liveops=QUICK, settings=LATE
    )
    with site.here():
        yield site


def _bodies(site: Engines, operation: LiveOperation) -> list[str]:
    return [entry.stage for entry in site.journal.begun(operation)]


@pytest.mark.fault("broker-lost-message")
def test_a_message_that_the_broker_lost_is_sent_again(late: Engines, redis: Redis) -> None:
    """Empty Redis while an operation waits: after a while it is handed over again, and runs."""
    operation = StagedPlan.objects.create(plan={"Load": [["log", "on"]]})
    operation.enqueue()
    redis.kill()
    redis.start()
    reaper = Reaper()
    until(lambda: [one.pk for one in reaper.round().handed_over] == [operation.pk], 45)
    assert state_of(operation) == "NOT_STARTED"
    late.start_celery(concurrency=4)
    wait_for(operation, "FINISHED_OK")
    assert _bodies(late, operation) == ["Load", "Change", "Save"]


@pytest.mark.fault("duplicate-delivery")
def test_a_message_that_comes_several_times_runs_once(late: Engines) -> None:
    """Deliver one message four times, to processes that are all free: one of them runs it."""
    operation = StagedPlan.objects.create(plan=PLAN)
    for _ in range(4):
        run_operation.delay(str(operation.pk))
    late.reached(operation, "here")
    run_operation.delay(str(operation.pk))
    done = StagedPlan.objects.create(plan={})
    done.enqueue()
    wait_for(done, "FINISHED_OK")  # the messages before it have been looked at
    late.let_go(operation, "here")
    wait_for(operation, "FINISHED_OK")
    run_operation.delay(str(operation.pk))
    after = StagedPlan.objects.create(plan={})
    after.enqueue()
    wait_for(after, "FINISHED_OK")
    assert _bodies(late, operation) == ["Load", "Change", "Save"]
    assert lines_of(operation) == {1: "on"}


@pytest.mark.fault("redelivered-after-kill")
def test_a_message_that_comes_back_after_a_kill(late: Engines) -> None:
    """Kill a process; the broker delivers its message again, too early: the run still counts."""
    operation = ResumingPlan.objects.create(plan=PLAN)
    operation.enqueue()
    victim = late.reached(operation, "here")
    late.journal.note("killed", pid=victim)
    os.kill(victim, signal.SIGKILL)
    assert late.reached(operation, "here", times=2) != victim
    assert stored(operation).resumes_left == 2  # not by the message that came back
    late.let_go(operation, "here")
    wait_for(operation, "FINISHED_OK")
    assert _bodies(late, operation) == ["Load", "Load", "Change", "Save"]
    assert_no_gap(operation)
    assert late.journal.twice_at_once() == []


@pytest.mark.fault("two-clicks")
def test_two_clicks_on_resume_start_one_run(late: Engines) -> None:
    """Resume from eight threads at once: one is accepted, and one run follows."""
    operation = StagedPlan.objects.create(plan={"Change": [["fail", "no", "mended"]]})
    operation.enqueue()
    wait_for(operation, "FINISHED_ERROR")
    late.let_go(operation, "mended")
    together = threading.Barrier(8)

    def click() -> bool:
        try:
            mine = stored(operation)
            together.wait(30)
            control.resume(mine)
        except InvalidStateError:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(8) as pool:
        clicks = [future.result(60) for future in [pool.submit(click) for _ in range(8)]]
    assert clicks.count(True) == 1
    wait_for(operation, "FINISHED_OK")
    assert _bodies(late, operation) == ["Load", "Change", "Change", "Save"]
    assert ControlRecord.objects.filter(operation=operation.pk).count() == 1


@pytest.mark.fault("enqueue-rolled-back")
def test_what_is_rolled_back_was_never_sent(late: Engines) -> None:
    """Roll back a transaction that created and enqueued: no message, no operation."""
    with transaction.atomic():
        gone = StagedPlan.objects.create(plan=PLAN)
        gone.enqueue()
        transaction.set_rollback(True)
    after = StagedPlan.objects.create(plan={})
    after.enqueue()
    wait_for(after, "FINISHED_OK")
    assert _bodies(late, gone) == []
    assert not StagedPlan.objects.filter(pk=gone.pk).exists()

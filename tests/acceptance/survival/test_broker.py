"""A broker that is there, and does not answer."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from liveops.models import LiveOperation
from liveops.reaping import Reaper
from liveops.reaping_thread import Watchman
from liveops.runners import celery
from tests.acceptance.survival.scenes import QUICK, state_of, wait_for
from tests.engines.fixtures import MakeEngines
from tests.engines.models import StagedPlan
from tests.engines.servers import Redis
from tests.engines.waiting import until

RUN = """
import sys, django
django.setup()
from liveops.runners.worker import run_here
run_here(sys.argv[1])
"""


@pytest.mark.fault("broker-frozen")
def test_a_broker_that_does_not_answer_keeps_no_dead_run_from_its_end(
    engines: MakeEngines, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stop Redis while a run is dead and operations wait: it ends, and then they are run."""
    monkeypatch.setattr(celery, "PUBLISH_SECONDS", 1.0)
    site = engines(database="postgres", layer="memory", runner="celery", liveops=QUICK)
    with site.here():
        operation = StagedPlan.objects.create(plan={"Load": [["wait", "here"]]})
        run = site.start("python", "-c", RUN, str(operation.pk))
        site.reached(operation, "here")
        waiting = [StagedPlan.objects.create(plan={}) for _ in range(6)]
        rows = LiveOperation.objects.filter(pk__in=[one.pk for one in waiting])
        rows.update(enqueued_on=Now() - timedelta(hours=1))
        run.kill()
        loop = Watchman(Reaper())
        redis.pause()
        try:
            until(lambda: loop.step() and state_of(operation) == "INTERRUPTED", 45)
            assert rows.filter(hand_overs__gt=0).count() in range(1, 5)
        finally:
            redis.go_on()
        until(lambda: loop.step() and not rows.filter(hand_overs=0).exists(), 45)
        site.start_celery(concurrency=2)
        for one in waiting:
            wait_for(one, "FINISHED_OK")

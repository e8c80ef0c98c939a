"""Metrics for Prometheus: what is counted, under which names."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from liveops import control, events, store
from liveops.contrib import prometheus
from liveops.progress import Progress
from liveops.scripts import RetryStage
from liveops.signals import Reason
from liveops.stages import StageState
from tests.integration.helpers import run_scripted
from tests.testapp.models import Walk

pytestmark = pytest.mark.django_db(transaction=True)

TYPE = {"type": "testapp.Scripted"}


@pytest.fixture
def registry() -> Iterator[CollectorRegistry]:
    """Return a registry in which all is counted that happens meanwhile."""
    own = CollectorRegistry()
    note = prometheus.metrics(own).note
    events.observe(note)
    yield own
    events.ignore(note)


def test_a_run_and_its_stages_are_counted(registry: CollectorRegistry) -> None:
    running: list[Any] = []

    def body(_: Any, p: Progress) -> None:
        running.append(registry.get_sample_value("liveops_operations_running", TYPE))
        with p.stage("Load"):
            pass
        for attempt in p.attempts("Save", retry_attempts=1):
            with attempt:
                if attempt.number == 1:
                    raise RetryStage("again")

    run_scripted(body)
    value = registry.get_sample_value
    assert running == [1.0]
    assert value("liveops_operations_running", TYPE) == 0.0
    assert value("liveops_operations_started_total", TYPE) == 1.0
    assert value("liveops_operations_ended_total", {**TYPE, "state": "FINISHED_OK"}) == 1.0
    for stage, outcome in (("Load", "done"), ("Save", "failed"), ("Save", "done")):
        labels = {**TYPE, "stage": stage, "outcome": outcome}
        assert value("liveops_stage_attempts_total", labels) == 1.0
    labels = {**TYPE, "stage": "Save"}
    assert value("liveops_stage_seconds_count", labels) == 1.0
    assert value("liveops_stage_seconds_bucket", {**labels, "le": "+Inf"}) == 1.0
    assert (value("liveops_stage_seconds_sum", labels) or 0.0) > 0.0


def test_the_end_is_counted_by_state(registry: CollectorRegistry) -> None:
    def body(_: Any, p: Progress) -> None:
        p.error("no")

    run_scripted(body)
    control.cancel(Walk.objects.create())
    value = registry.get_sample_value
    assert value("liveops_operations_ended_total", {**TYPE, "state": "FINISHED_ERROR"}) == 1.0
    walk = {"type": "testapp.Walk"}
    assert value("liveops_operations_ended_total", {**walk, "state": "CANCELLED"}) == 1.0
    assert value("liveops_operations_started_total", walk) is None


def test_an_interrupt_is_counted_with_its_reason(registry: CollectorRegistry) -> None:
    operation = Walk.objects.create()
    claim = store.claim(operation)
    assert claim is not None
    events.interrupted(operation, claim.run_id, Reason.REAPED)
    labels = {"type": "testapp.Walk", "reason": "reaped"}
    value = registry.get_sample_value
    assert value("liveops_operations_interrupted_total", labels) == 1.0
    ended = {"type": "testapp.Walk", "state": "INTERRUPTED"}
    assert value("liveops_operations_ended_total", ended) == 1.0


def test_a_lost_run_does_not_count_as_running_for_ever(registry: CollectorRegistry) -> None:
    def body(operation: Any, p: Progress) -> None:
        store.interrupt(operation, operation.run_id)
        p.check_cancelled()

    run_scripted(body)
    assert registry.get_sample_value("liveops_operations_running", TYPE) == 0.0


def test_a_stage_that_is_skipped_took_no_time(registry: CollectorRegistry) -> None:
    operation = Walk(pk=None)
    teller = events.StageTeller(operation, operation.id, "Load")
    teller.entered(is_skipped=True)
    teller.left(StageState.SKIPPED, 0.1)
    labels = {"type": "testapp.Walk", "stage": "Load"}
    assert registry.get_sample_value("liveops_stage_seconds_count", labels) is None


def test_metrics_are_registered_once(registry: CollectorRegistry) -> None:
    assert prometheus.metrics(registry) is prometheus.metrics(registry)


SEVERAL = """
import os
import django
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest, multiprocess
django.setup()
from liveops.contrib import prometheus
prometheus.connect()
child = os.fork()
metrics = prometheus.metrics(REGISTRY)
metrics._running.labels("app.Type").inc()
metrics._started.labels("app.Type").inc()
if not child:
    os._exit(0)
os.waitpid(child, 0)
registry = CollectorRegistry()
multiprocess.MultiProcessCollector(registry)
print(generate_latest(registry).decode())
"""


def test_several_processes_are_counted_together(tmp_path: Path) -> None:
    variables = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    variables |= {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-c", SEVERAL]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    assert 'liveops_operations_started_total{type="app.Type"} 2.0' in done.stdout
    assert 'liveops_operations_running{type="app.Type"} 2.0' in done.stdout

"""Spans of OpenTelemetry: how they nest, what they are called, and what they say."""

import asyncio
import contextvars
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import pytest
from django.db import connections
from opentelemetry import context, trace
from opentelemetry.trace import StatusCode, Tracer

from liveops import events, shutdown
from liveops.contrib.opentelemetry import Tracing
from liveops.exceptions import OperationCancelled, OperationError, OperationInterrupted
from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.scripts import RetryStage
from tests.integration.helpers import run_scripted
from tests.integration.test_stage_methods import Release, carry_out
from tests.integration.tracing import Traced, identity
from tests.testapp.models import AsyncScripted, Walk

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def traced() -> Iterator[Traced]:
    """Return the spans of what runs meanwhile; whatever was current is so again."""
    found = Traced()
    note = Tracing(found.tracer).note
    before = context.get_current()
    events.observe(note)
    yield found
    events.ignore(note)
    assert context.get_current() == before


OPERATION = "operation testapp.Scripted"


def test_operation_stage_and_attempt_nest_and_user_spans_in_them(traced: Traced) -> None:
    def body(_: Any, p: Progress) -> None:
        with traced.tracer.start_as_current_span("between"):
            pass
        with p.stage("Load"), traced.tracer.start_as_current_span("query"):
            pass

    operation, _ = run_scripted(body)
    assert traced.tree() == {
        OPERATION: None,
        "between": OPERATION,
        "stage Load": OPERATION,
        "attempt Load": "stage Load",
        "query": "attempt Load",
    }
    assert dict(traced.named(OPERATION).attributes or {}) == {
        "liveops.operation.id": str(operation.pk),
        "liveops.operation.type": "testapp.Scripted",
        "liveops.operation.state": "FINISHED_OK",
        "liveops.run.id": str(operation.run_id),
    }
    assert dict(traced.named("stage Load").attributes or {}) == {
        "liveops.stage": "Load",
        "liveops.outcome": "done",
    }
    assert dict(traced.named("attempt Load").attributes or {}) == {
        "liveops.stage": "Load",
        "liveops.attempt": 1,
        "liveops.outcome": "done",
    }
    assert {span.status.status_code for span in traced.spans} == {StatusCode.UNSET}


def test_each_attempt_has_its_span(traced: Traced) -> None:
    def body(_: Any, p: Progress) -> None:
        for attempt in p.attempts("Save", retry_attempts=1):
            with attempt:
                if attempt.number == 1:
                    raise RetryStage("again")

    run_scripted(body)
    tries = [span for span in traced.spans if span.name == "attempt Save"]
    assert [(one.attributes or {})["liveops.attempt"] for one in tries] == [1, 2]
    codes = [one.status.status_code for one in tries]
    assert codes == [StatusCode.ERROR, StatusCode.UNSET]
    stage = identity(traced.named("stage Save"))
    assert [one.parent.span_id for one in tries if one.parent] == [stage, stage]


def test_stage_methods_and_their_phases_are_inside(
    traced: Traced, monkeypatch: pytest.MonkeyPatch
) -> None:
    def act(_: Any, p: Progress) -> None:
        traced.tracer.start_span("body").end()

    def pre(self: Any) -> None:
        traced.tracer.start_span("pre").end()

    monkeypatch.setattr(Release, "acts", {"build": act})
    monkeypatch.setattr(Release, "_run_pre_stage_actions_build", pre, raising=False)
    carry_out(Release, stages_to_run=["build"])
    tree = traced.tree()
    assert (tree["body"], tree["pre"]) == ("attempt build", "stage build")
    assert tree["attempt build"] == "stage build"
    skipped = traced.named("stage publish")
    assert (skipped.attributes or {})["liveops.outcome"] == "skipped"
    assert "attempt publish" not in tree


class Bridged(AsyncScripted):
    """Has a coroutine and a plain method as stages; each makes a span, and so do plain phases."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["fetch", "save"]
    tracer: ClassVar[Tracer]
    threads: ClassVar[set[int]] = set()
    run = LiveOperation.run

    @LiveOperation.stage("fetch", "Fetching")
    async def fetch(self, p: Progress) -> None:
        """Fetch."""
        await asyncio.sleep(0)
        self.mark("in fetch")

    @LiveOperation.stage("save", "Saving")
    def save_it(self, p: Progress) -> None:
        """Save."""
        self.mark("in save")

    def _end_stage_fetch(self) -> None:
        self.mark("end of fetch")

    def mark(self, name: str) -> None:
        """Make a span."""
        self.threads.add(threading.get_ident())
        self.tracer.start_span(name).end()


def test_spans_nest_across_the_threads_of_an_async_run(traced: Traced) -> None:
    Bridged.tracer = traced.tracer
    carry_out(Bridged)
    assert len(Bridged.threads) == 2
    tree = traced.tree()
    assert tree["in fetch"] == tree["end of fetch"] == "attempt fetch"
    assert tree["in save"] == "attempt save"
    assert tree["stage fetch"] == tree["stage save"] == "operation testapp.Bridged"


def test_stages_that_run_at_once_do_not_mix(traced: Traced) -> None:
    async def body(_: Any, p: Progress) -> None:
        inside = asyncio.Barrier(2)

        async def go(name: str) -> None:
            with p.stage(name):
                await inside.wait()
                traced.tracer.start_span(f"in {name}").end()
                await inside.wait()

        await asyncio.gather(go("Load"), go("Save"))

    run_scripted(body, model=AsyncScripted)
    tree = traced.tree()
    assert (tree["in Load"], tree["in Save"]) == ("attempt Load", "attempt Save")
    assert tree["stage Load"] == tree["stage Save"] == "operation testapp.AsyncScripted"


def test_a_stage_in_a_thread_without_a_context_belongs_to_its_operation(traced: Traced) -> None:
    def body(_: Any, p: Progress) -> None:
        def work() -> None:
            with p.stage("Load"):
                pass
            connections.close_all()  # those of this thread

        with ThreadPoolExecutor(1) as helper:
            helper.submit(contextvars.Context().run, work).result()

    run_scripted(body)
    assert traced.tree()["stage Load"] == OPERATION


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (OperationError("The file is empty."), StatusCode.ERROR, "The file is empty."),
        (
            ValueError("password=hunter2"),
            StatusCode.ERROR,
            "It stopped with an unexpected error (ValueError).",
        ),
        (OperationCancelled("by you"), StatusCode.UNSET, None),
        (
            OperationInterrupted("down"),
            StatusCode.ERROR,
            "The operation was interrupted (stopped).",
        ),
    ],
    ids=["failed", "unexpected", "cancelled", "interrupted"],
)
def test_the_status_is_the_sentence_that_watchers_read(
    traced: Traced, error: BaseException, code: StatusCode, text: str | None
) -> None:
    def body(_: Any, p: Progress) -> None:
        with p.stage("Load"):
            raise error

    run_scripted(body)
    span = traced.named(OPERATION)
    assert (span.status.status_code, span.status.description) == (code, text)
    assert span.events == ()
    assert traced.named("stage Load").status.status_code is code
    assert not any("hunter2" in span.to_json() for span in traced.spans)


def test_a_traceback_is_there_if_it_is_asked_for(traced: Traced, settings: Any) -> None:
    settings.LIVEOPS = {**settings.LIVEOPS, "TRACING_TRACEBACKS": True}

    def body(_: Any, p: Progress) -> None:
        raise ValueError("the very reason")

    run_scripted(body)
    (event,) = traced.named(OPERATION).events
    details = event.attributes or {}
    assert event.name == "exception"
    assert "ValueError: the very reason" in str(details["exception.stacktrace"])


def test_the_next_operation_of_a_chain_is_linked(traced: Traced, settings: Any) -> None:
    def body(_: Any, p: Progress) -> None:
        p.chain_to(Walk.objects.create(items=0))

    run_scripted(body)
    first, following = traced.named(OPERATION), traced.named("operation testapp.Walk")
    (link,) = following.links
    assert link.context == first.get_span_context()
    assert (first.attributes or {})["liveops.operation.state"] == "FINISHED_OK"


def test_what_runs_in_a_request_belongs_to_its_trace(traced: Traced) -> None:
    def body(_: Any, p: Progress) -> None:
        pass

    with traced.tracer.start_as_current_span("request"):
        run_scripted(body)
    assert traced.tree()[OPERATION] == "request"


def test_a_run_that_does_not_stop_in_time_has_its_spans_all_the_same(traced: Traced) -> None:
    open_spans: list[set[str]] = []

    def body(_: Any, p: Progress) -> None:
        with p.stage("Load"):
            shutdown._end_from_outside(p._run)
            open_spans.append(set(traced.tree()))

    run_scripted(body)
    assert open_spans == [{OPERATION, "stage Load", "attempt Load"}]
    span = traced.named(OPERATION)
    assert span.status.description == "The operation was interrupted (cut_off)."
    assert (span.attributes or {})["liveops.reason"] == "cut_off"


def test_a_block_that_is_no_stage_has_no_span(traced: Traced) -> None:
    def body(_: Any, p: Progress) -> None:
        with p.stage("Elsewhere"):
            assert trace.get_current_span().is_recording()

    run_scripted(body)
    assert set(traced.tree()) == {OPERATION}

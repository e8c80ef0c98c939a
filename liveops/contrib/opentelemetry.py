"""Spans of OpenTelemetry: an operation's run, in it its stages, in them their attempts.

Each is the current one while the code runs that it is about, so the spans of other libraries nest
inside. Names, attributes and statuses are documented in docs/how-to/observe.md, and stay.
"""

import uuid
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanContext, Status, StatusCode, Tracer

from liveops import __version__, events
from liveops.conf import get_settings
from liveops.events import Event
from liveops.signals import Reason
from liveops.stages import StageState
from liveops.states import State

_MOST_LINKS = 1_000
_FAILURES = (StageState.FAILED, StageState.INTERRUPTED)


@dataclass(slots=True)
class _Open:
    """A span that has not ended.

    Attributes:
        key: what it is about.
        span: the span.
        before: the context that was current before it.
        inside: the context in which it is current.
    """

    key: tuple[object, ...]
    span: Span
    before: Context
    inside: Context


@dataclass(slots=True)
class _TracedRun:
    """The spans of one run; those of stages and attempts in the order in which they began."""

    whole: _Open
    parts: list[_Open] = field(default_factory=list)
    has_ended: bool = False


class Tracing:
    """Turns events into spans.

    Args:
        tracer: what makes them; left out, that of the provider which the project has set.
    """

    def __init__(self, tracer: Tracer | None = None) -> None:
        self._tracer = tracer or trace.get_tracer("liveops", __version__)
        self._runs: dict[uuid.UUID, _TracedRun] = {}
        self._chained: OrderedDict[uuid.UUID, SpanContext] = OrderedDict()

    def note(self, event: Event) -> None:
        """Begin or end a span; to be called in the context of the code that it is about."""
        if event.run_id is None:
            return
        if event.name == "operation.claimed":
            self._claim(event, event.run_id)
        elif (run := self._runs.get(event.run_id)) is not None:
            self._go_on(run, event, event.run_id)

    def _claim(self, event: Event, run_id: uuid.UUID) -> None:
        operation = event.operation
        earlier = self._chained.pop(operation.pk, None)
        label = operation._meta.label
        attributes = {
            "liveops.operation.id": str(operation.pk),
            "liveops.operation.type": label,
            "liveops.run.id": str(run_id),
        }
        links = [Link(earlier)] if earlier is not None else []
        whole = self._begin(("operation",), f"operation {label}", attributes, links=links)
        self._runs[run_id] = _TracedRun(whole)

    def _go_on(self, run: _TracedRun, event: Event, run_id: uuid.UUID) -> None:
        match event.name:
            case "stage.started" | "attempt.started":
                self._begin_part(run, event)
            case "stage.finished" | "attempt.finished":
                self._end_part(run, event)
            case "operation.finished":
                self._finish(run, event)
            case "operation.interrupted":
                self._interrupt(run, event)
            case "operation.released":
                _end(run)
                context.attach(run.whole.before)
                del self._runs[run_id]

    def _begin_part(self, run: _TracedRun, event: Event) -> None:
        attributes: dict[str, str | int] = {"liveops.stage": str(event.stage)}
        if event.attempt is not None:
            attributes["liveops.attempt"] = event.attempt
        kind = "stage" if event.attempt is None else "attempt"
        # A thread that user code started itself knows nothing of the run's span.
        is_lost = not trace.get_current_span().get_span_context().is_valid
        parent = run.whole.inside if is_lost else None
        run.parts.append(self._begin(_key(event), f"{kind} {event.stage}", attributes, parent))

    @staticmethod
    def _end_part(run: _TracedRun, event: Event) -> None:
        key = _key(event)
        for part in reversed(run.parts):
            if part.key == key:
                run.parts.remove(part)
                part.span.set_attribute("liveops.outcome", str(event.outcome))
                if event.outcome in _FAILURES:
                    part.span.set_status(Status(StatusCode.ERROR))
                part.span.end()
                if trace.get_current_span() is part.span:
                    context.attach(part.before)
                return

    def _finish(self, run: _TracedRun, event: Event) -> None:
        span, operation, text = run.whole.span, event.operation, event.error_text or ""
        span.set_attribute("liveops.operation.state", str(event.state))
        if event.state is State.FINISHED_ERROR:
            span.set_status(Status(StatusCode.ERROR, text))
            if get_settings().TRACING_TRACEBACKS and operation.traceback:
                details = {"exception.message": text, "exception.stacktrace": operation.traceback}
                span.add_event("exception", details)
        following = operation.next_operation_id
        if following is not None:
            self._chained[following] = span.get_span_context()
            if len(self._chained) > _MOST_LINKS:
                self._chained.popitem(last=False)

    @staticmethod
    def _interrupt(run: _TracedRun, event: Event) -> None:
        span = run.whole.span
        span.set_attribute("liveops.operation.state", str(event.state))
        span.set_attribute("liveops.reason", str(event.reason))
        span.set_status(
            Status(StatusCode.ERROR, f"The operation was interrupted ({event.reason}).")
        )
        if event.reason is not Reason.STOPPED:
            _end(run)  # its own code may never get to an end

    def _begin(
        self,
        key: tuple[object, ...],
        name: str,
        attributes: Mapping[str, str | int],
        parent: Context | None = None,
        links: list[Link] | None = None,
    ) -> _Open:
        before = context.get_current()
        around = before if parent is None else parent
        span = self._tracer.start_span(name, around, attributes=attributes, links=links)
        inside = trace.set_span_in_context(span, around)
        # Without the token that would put it back: that is refused in any context but this one.
        context.attach(inside)
        return _Open(key, span, before, inside)


def _key(event: Event) -> tuple[object, ...]:
    return (event.stage, event.attempt)


def _end(run: _TracedRun) -> None:
    if not run.has_ended:
        run.has_ended = True
        for part in (*reversed(run.parts), run.whole):
            part.span.end()


@cache
def _tracing() -> Tracing:
    return Tracing()


def connect() -> None:
    """Trace the runs of this process; once, however often it is called."""
    events.observe(_tracing().note)

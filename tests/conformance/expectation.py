"""In what the three systems differ, as documented, and what can be expected of one."""

from collections import Counter
from dataclasses import dataclass, field

from tests.conformance.chart import Edge
from tests.conformance.scenario import Method
from tests.conformance.trace import Event, Look


@dataclass(frozen=True)
class Rules:
    """In what the systems differ, as documented.

    Attributes:
        returns_value: whether what the body returned goes to the caller, and not just None.
        handler_means_failure: whether ``script_success`` becomes False before attempts that are
            used up are handled.
        ends_after_signals: whether the end-stage actions run also after an exception of the body
            that is no ``Exception``.
        forgives_retry_errors: whether a ``RetryError`` that user code raised is handled like the
            stage's own.
        fails_when_exhausted: whether a stage whose attempts are used up raises an error after its
            last phase, unless it says ``continue_on_failure``.
        prints: whether default phases print, so that it can be looked at, and waits are noted.
    """

    returns_value: bool
    handler_means_failure: bool
    ends_after_signals: bool
    forgives_retry_errors: bool
    fails_when_exhausted: bool
    prints: bool


REAL = Rules(
    returns_value=False,
    handler_means_failure=False,
    ends_after_signals=False,
    forgives_retry_errors=True,
    fails_when_exhausted=False,
    prints=True,
)
"""staged-script's own."""

SCRIPT = Rules(
    returns_value=True,
    handler_means_failure=True,
    ends_after_signals=False,
    forgives_retry_errors=True,
    fails_when_exhausted=False,
    prints=True,
)
"""Those of ``liveops.scripts.StagedScript``."""

OPERATION = Rules(
    returns_value=True,
    handler_means_failure=False,
    ends_after_signals=True,
    forgives_retry_errors=False,
    fails_when_exhausted=True,
    prints=False,
)
"""Those of a ``LiveOperation``."""


@dataclass
class Expected:
    """What is expected.

    Attributes:
        trace: the events.
        left: the error that ends the whole, if one does.
        success: ``script_success`` at the end; None on an operation.
        durations: the stages whose default end-stage actions ran, in order.
        states: the last state of each stage that was entered.
        attempts: stage, number and outcome of each attempt.
        edges: how often each edge of the flow chart was taken.
        raised: how often each error was raised, by its name and where.
        called: how often the scenario's methods were called.
        differs_at: the length of the trace when a system of these rules first did what
            staged-script does not; None if it never did.
    """

    trace: list[Event] = field(default_factory=list)
    left: Look | None = None
    success: bool | None = None
    durations: list[str] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    attempts: list[tuple[str, int, str]] = field(default_factory=list)
    edges: Counter[Edge] = field(default_factory=Counter)
    raised: Counter[tuple[str, str]] = field(default_factory=Counter)
    called: Counter[Method] = field(default_factory=Counter)
    differs_at: int | None = None

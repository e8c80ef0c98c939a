"""The flow chart of a stage, as the edges between its nodes.

A question ends in ``?``; the method of one stage is its phase with ``_STAGE`` appended. ``BODY`` is
the stage's own method, ``ENTRY`` its call, ``EXIT`` its return.
"""

from tests.conformance.scenario import BEGIN, END, POST, PRE, PREPARE_RETRY, RETRY_ERROR, SKIP

ENTRY, EXIT, LEFT = "entry", "exit", "left by an error"
BODY = "body"
TO_RUN, RETRY, EXHAUSTED = "execute stage?", "retry stage?", "retry error?"

Edge = tuple[str, str]


def question(phase: str) -> str:
    """Return the node that asks whether a stage has a method of its own for a phase."""
    return f"{phase}_STAGE exists?"


def custom(phase: str) -> str:
    """Return the node of a stage's own method."""
    return f"{phase}_STAGE"


def _phase(phase: str, *followers: str) -> set[Edge]:
    ways = (custom(phase), phase)
    asked = {(question(phase), way) for way in ways}
    return asked | {(way, follower) for way in ways for follower in followers}


CHART: frozenset[Edge] = frozenset(
    {(ENTRY, question(PRE))}
    | _phase(PRE, question(BEGIN))
    | _phase(BEGIN, TO_RUN)
    | {(TO_RUN, BODY), (TO_RUN, question(SKIP)), (BODY, question(END))}
    | _phase(SKIP, question(END))
    | _phase(END, RETRY)
    | {(RETRY, question(PREPARE_RETRY)), (RETRY, EXHAUSTED)}
    | _phase(PREPARE_RETRY, question(BEGIN))
    | {(EXHAUSTED, question(RETRY_ERROR)), (EXHAUSTED, question(POST))}
    | _phase(RETRY_ERROR, question(POST))
    | _phase(POST, EXIT)
)
"""What the chart shows."""


def _both(phase: str, follower: str) -> set[Edge]:
    return {(phase, follower), (custom(phase), follower)}


ERRORS: frozenset[Edge] = frozenset(
    # A phase that raises leaves the stage...
    _both(PRE, LEFT)
    | _both(PREPARE_RETRY, LEFT)
    | _both(RETRY_ERROR, LEFT)
    | _both(POST, LEFT)
    # ... unless it belongs to an attempt and asks for a retry; so does the end of one whose body
    # raised.
    | _both(BEGIN, RETRY)
    | _both(SKIP, RETRY)
    # What an attempt raised, other than a retry, leaves as well.
    | {(RETRY, LEFT)}
)
"""What the chart leaves out: the ways of errors."""

SIGNALS: frozenset[Edge] = frozenset({(BODY, RETRY)})
"""In a script, an exception of the body that is no Exception passes the end by."""

FORGIVEN: frozenset[Edge] = frozenset(
    {(RETRY, question(RETRY_ERROR))} | _both(PREPARE_RETRY, question(RETRY_ERROR))
)
"""In a script, a RetryError that user code raised is handled like the stage's own."""

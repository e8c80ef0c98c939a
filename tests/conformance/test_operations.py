"""The same 500 scripts as operations: the same phases, right states, a row for each attempt."""

import logging

import pytest

from tests.conformance.blocks import BLOCKS, Block, problems
from tests.conformance.expectation import OPERATION, Expected
from tests.conformance.generator import scenario_of
from tests.conformance.operations import Ran, play_operation
from tests.conformance.oracle import expected
from tests.conformance.playing import Played, play_real
from tests.conformance.scenario import PREPARE_RETRY
from tests.conformance.trace import Event, Look, difference

pytestmark = pytest.mark.django_db(transaction=True)

WHILE = {("body", "active"), (PREPARE_RETRY, "retrying")}
"""The states of a stage in its body, and between two attempts."""


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Do not collect the tracebacks of operations that fail as they should."""
    caplog.set_level(logging.CRITICAL, logger="liveops")


def phases(trace: list[Event]) -> list[Event]:
    """Return what operations and scripts have in common: no prints, no waits of ``time.sleep``.

    The real one returns None whatever the body returned, and an operation has no
    ``script_success``.
    """
    return [
        event._replace(success=None, details=() if event.what == "returned" else event.details)
        for event in trace
        if event.what != "waited" and not event.what.startswith("said by")
    ]


def against_the_real_one(played: Played, ran: Ran, expectation: Expected) -> str | None:
    """Return where an operation parts with staged-script before it is documented to.

    It is to part where a signal leaves the body, where user code raises a ``RetryError``, and
    where a stage fails since its attempts are used up; what follows is compared with what is
    expected of an operation.
    """
    real, ours = phases(played.trace), phases(ran.trace)
    if expectation.differs_at is not None:
        common = len(phases(expectation.trace[: expectation.differs_at]))
        real, ours = real[:common], ours[:common]
    return difference(real, ours, ("staged-script", "operation"))


def state_after(left: Look | None) -> str:
    """Return the state of an operation that an error left, or none."""
    if left is None:
        return "FINISHED_OK"
    signals = ("KeyboardInterrupt", "SystemExit")
    return "INTERRUPTED" if left.name in signals else "FINISHED_ERROR"


@pytest.mark.parametrize("block", BLOCKS)
def test_an_operation_does_the_same(block: Block) -> None:
    for scenario in map(scenario_of, block.seeds):
        ran, expectation = play_operation(scenario), expected(scenario, OPERATION)
        problems(
            scenario,
            against_the_real_one(play_real(scenario), ran, expectation),
            difference(expectation.trace, ran.trace, ("expected", "operation")),
            left=(expectation.left, ran.left),
            state=(state_after(expectation.left), ran.state),
            current_stage=(expectation.trace[-1].stage, ran.current_stage),
            stage_states=(expectation.states, ran.stage_states),
            odd_states=(set(), ran.states_in - WHILE),
            attempts=(expectation.attempts, ran.attempts),
        )

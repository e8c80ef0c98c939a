"""500 random scripts on staged-script and on ``liveops.scripts``: the same, step by step."""

import pytest

from tests.conformance.blocks import BLOCKS, Block, problems
from tests.conformance.expectation import REAL, SCRIPT
from tests.conformance.generator import scenario_of
from tests.conformance.oracle import expected
from tests.conformance.playing import play_ours, play_real
from tests.conformance.trace import Event, difference


def without_documented_differences(trace: list[Event]) -> list[Event]:
    """Leave out what is documented to differ.

    The real one returns None whatever the body returned, and leaves ``script_success`` alone.
    What ours does about both is compared with what is expected of it.
    """
    return [
        event._replace(success=None, details=() if event.what == "returned" else event.details)
        for event in trace
    ]


@pytest.mark.parametrize("block", BLOCKS)
def test_the_same_script_does_the_same(block: Block) -> None:
    for scenario in map(scenario_of, block.seeds):
        real, ours = play_real(scenario), play_ours(scenario)
        of_real, of_ours = expected(scenario, REAL), expected(scenario, SCRIPT)
        problems(
            scenario,
            difference(of_real.trace, real.trace, ("expected", "staged-script")),
            difference(
                without_documented_differences(real.trace),
                without_documented_differences(ours.trace),
                ("staged-script", "liveops"),
            ),
            difference(of_ours.trace, ours.trace, ("expected", "liveops")),
            left=(real.left, ours.left),
            durations=(real.durations, ours.durations),
            final=(real.final, ours.final),
            expected_end=(
                (of_ours.left, of_ours.durations, of_ours.success),
                (ours.left, ours.durations, ours.success),
            ),
        )

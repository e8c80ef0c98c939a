"""The 500 seeds in blocks, so that a parallel run can share them, and what they come to."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.conformance.scenario import Scenario

SCENARIOS = 500
_SIZE = 50


@dataclass(frozen=True)
class Block:
    """Some seeds in a row."""

    seeds: range


BLOCKS = [
    pytest.param(Block(range(first, first + _SIZE)), id=f"seeds-{first}-{first + _SIZE - 1}")
    for first in range(0, SCENARIOS, _SIZE)
]


def problems(scenario: Scenario, *parted: str | None, **pairs: tuple[Any, Any]) -> None:
    """Fail with the scenario and all that is wrong with it, if anything is.

    Args:
        parted: where traces part, or None.
        pairs: what should be, and what is.
    """
    wrong = [text for text in parted if text is not None]
    wrong += [
        f"{name}: not {wanted!r} but {found!r}"
        for name, (wanted, found) in pairs.items()
        if wanted != found
    ]
    if wrong:
        pytest.fail("\n".join([str(scenario), *wrong]), pytrace=False)

"""What is known of stages that were done before the run was resumed."""

from collections import deque
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A passage through a stage that need not be repeated, and what its body returned."""

    result: Any


class Checkpoints:
    """Hands out what the passages through each stage returned, in the order of the calls.

    A stage that was called three times before is passed by three times; a fourth call runs it. So
    a loop that was broken off in the middle goes on where it was.

    Args:
        results: by name of the stage, what its passages returned, in order.
    """

    def __init__(self, results: Mapping[str, Iterable[Any]]) -> None:
        self._waiting = {name: deque(values) for name, values in results.items()}

    def take(self, name: str) -> Checkpoint | None:
        """Return the next checkpoint of a stage; None if it has to run. Any thread may ask."""
        try:
            return Checkpoint(deepcopy(self._waiting[name].popleft()))
        except (KeyError, IndexError):
            return None

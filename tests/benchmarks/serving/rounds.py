"""Rounds of frames to watchers, what they cost, and the best of them."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from tests.benchmarks.serving.site import Served, Site


@dataclass(frozen=True)
class Round:
    """What a round has shown.

    Attributes:
        p50: the delay between status and socket, in milliseconds; ``p99`` likewise.
        cpu: of the server for a delivery, in microseconds.
        lost: how many deliveries there should have been besides.
        share: how busy the watchers' own process was, of one processor.
    """

    p50: float
    p99: float
    cpu: float
    lost: int
    share: float


class Audience:
    """The watchers of one operation at one server, who are fewer each time or the same.

    Args:
        site: where they are; its publisher runs the operation.
        server: what serves them, and nobody else.
        contender: "ours" or "bare".
        name: of their set, if there is another of that contender.
    """

    def __init__(self, site: Site, server: Served, contender: str, name: str = "") -> None:
        self._site = site
        self._server = server
        self._contender = contender
        self._name = name or contender
        self._slow = 0
        self._number = 0

    def connect(self, op: str, number: int, *, slow: int = 0) -> None:
        """Connect watchers, and before them slow ones that stop reading when frames come."""
        if slow:
            self._add(op, slow, is_small=True)
        before = self._server.rss()
        self._add(op, number)
        self.rss = (self._server.rss() - before) / number
        self._slow, self._number = slow, number

    def shrink(self, number: int) -> None:
        """Let all but so many go."""
        self._number = number
        but = number + self._slow if number else 0
        self._site.watchers.ask("close", name=self._name, but=but)

    def take(self, first: int, frames: int) -> Round:
        """Send frames, and return what came of them."""
        site, order = self._site, {"first": first, "frames": frames}
        self._server.settle()
        site.watchers.ask("collect", **order, name=self._name, slow=self._slow)
        began = self._server.cpu()
        sent = site.publisher.ask(self._contender, **order)["sent"]
        came = site.watchers.hear()
        cpu = (self._server.cpu() - began) / max(len(came["delays"]), 1)
        return Round(
            percentile(came["delays"], 50) / 1e6,
            percentile(came["delays"], 99) / 1e6,
            cpu * 1e6,
            lost_of(sent, came["received"]),
            came["share"],
        )

    def _add(self, op: str, number: int, **more: Any) -> None:
        told = self._site.connect(
            self._server, self._contender, op, number, name=self._name, **more
        )
        if told["errors"]:
            raise RuntimeError(f"{self._name}: {told['errors']} of {number}: {told['first']}")


def in_turns(audiences: Sequence[Audience], rounds: int, frames: int) -> list[Round]:
    """Send frames to each audience in turns; return the best round of each."""
    numbers = count(0, frames)
    taken: list[list[Round]] = [[] for _ in audiences]
    for _ in range(rounds):
        for audience, known in zip(audiences, taken, strict=True):
            known.append(audience.take(next(numbers), frames))
    return [best(known) for known in taken]


def best(rounds: Iterable[Round]) -> Round:
    """Return the best of each figure; what was lost was lost."""
    known = list(rounds)
    return Round(
        min(each.p50 for each in known),
        min(each.p99 for each in known),
        min(each.cpu for each in known),
        sum(each.lost for each in known),
        max(each.share for each in known),
    )


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the value that so many percent of a sorted list do not exceed."""
    if not ordered:
        return float("nan")
    return ordered[max(math.ceil(len(ordered) * percent / 100), 1) - 1]


def lost_of(sent: Iterable[int], received: Iterable[Iterable[int]]) -> int:
    """Return how many texts that were sent did not come, over all watchers."""
    wanted = set(sent)
    return sum(len(wanted - set(each)) for each in received)

"""Rounds of frames to watchers, what they cost, and the best of them."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from statistics import median

from tests.benchmarks.serving.site import Served, Site


@dataclass(frozen=True)
class Round:
    """What a round has shown.

    Attributes:
        p50: the delay between status and socket, in milliseconds; ``p99`` likewise.
        cpu: of the server for a delivery, in microseconds.
        lost: how many deliveries there should have been besides.
        share: how busy the watchers' own process was, of one processor.
        delays: of all deliveries, in nanoseconds, sorted; of several rounds they are not kept.
    """

    p50: float
    p99: float
    cpu: float
    lost: int
    share: float
    delays: Sequence[int] = ()


class Audience:
    """The watchers of one operation at one server, who are fewer each time or the same.

    Args:
        site: where they are; its publisher runs the operation.
        server: what serves them, and nobody else.
        contender: "ours" or "bare".
        name: of their set, if there is another of that contender.

    Attributes:
        slow: how many of them do not read.
        rss: what each but the first of them costs the server, in bytes.
    """

    def __init__(self, site: Site, server: Served, contender: str, name: str = "") -> None:
        self.site = site
        self.server = server
        self.contender = contender
        self.name = name or contender
        self.slow = 0
        self.rss = 0.0

    def shrink(self, number: int) -> None:
        """Let all but so many go."""
        but = number + self.slow if number else 0
        self.site.watchers.ask("close", name=self.name, but=but)

    def take(self, first: int, frames: int) -> Round:
        """Send frames, and return what came of them."""
        site, order = self.site, {"first": first, "frames": frames}
        self.server.settle()
        site.watchers.ask("collect", **order, name=self.name, slow=self.slow)
        began = self.server.cpu()
        sent = site.publisher.ask(self.contender, **order)["sent"]
        came = site.watchers.hear()
        cpu = (self.server.cpu() - began) / max(len(came["delays"]), 1)
        return Round(
            percentile(came["delays"], 50) / 1e6,
            percentile(came["delays"], 99) / 1e6,
            cpu * 1e6,
            lost_of(sent, came["received"]),
            came["share"],
            came["delays"],
        )


def connect(audiences: Sequence[Audience], op: str, number: int, *, slow: int = 0) -> None:
    """Connect watchers of all audiences at the same time.

    Args:
        audiences: of one site.
        op: what they watch.
        number: how many each has.
        slow: how many more the first has, which stop reading as soon as they are shown something.
    """
    if slow:
        audiences[0].slow = slow
        _add(audiences[:1], op, slow, is_small=True)
    _add(audiences, op, 1)  # a server loads much for its first one, and for no other
    before = [audience.server.rss() for audience in audiences]
    others = number - 1
    if others:
        _add(audiences, op, others)
    for audience, rss in zip(audiences, before, strict=True):
        audience.rss = (audience.server.rss() - rss) / max(others, 1)


def _add(audiences: Sequence[Audience], op: str, number: int, *, is_small: bool = False) -> None:
    site = audiences[0].site
    orders = [
        site.order(each.server, each.contender, op, number, name=each.name, is_small=is_small)
        for each in audiences
    ]
    for audience, told in zip(audiences, site.connect_all(orders), strict=True):
        if told["errors"]:
            error = f"{told['errors']} of {number}: {told['first']}"
            raise RuntimeError(f"{audience.name}: {error}")


def in_turns(audiences: Sequence[Audience], rounds: int, frames: int) -> list[list[Round]]:
    """Send frames to each audience in turns; return the rounds of each."""
    numbers = count(0, frames)
    taken: list[list[Round]] = [[] for _ in audiences]
    for _ in range(rounds):
        for audience, known in zip(audiences, taken, strict=True):
            known.append(audience.take(next(numbers), frames))
    return taken


def best(rounds: Iterable[Round]) -> Round:
    """Return the best of each figure; what was lost was lost."""
    return _each_figure(list(rounds), min)


def pooled(rounds: Iterable[Round]) -> Round:
    """Return the percentiles of all deliveries together, and the median of the other figures."""
    known = list(rounds)
    delays = sorted(delay for each in known for delay in each.delays)
    p50, p99 = (percentile(delays, percent) / 1e6 for percent in (50, 99))
    return replace(_each_figure(known, median), p50=p50, p99=p99)


def _each_figure(known: list[Round], of: Callable[[Iterable[float]], float]) -> Round:
    return Round(
        of([each.p50 for each in known]),
        of([each.p99 for each in known]),
        of([each.cpu for each in known]),
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

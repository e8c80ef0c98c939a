"""From the status to the sockets: what ours costs beside a consumer that people write without us.

A publisher says something ten times a second; ours is a real operation, and the bare consumer is
sent the same HTML (see ``serving.bare``). The two take turns under the same server. The delay is
that between the call and the arrival at the watcher's socket, as the system notes it.
"""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.benchmarks.measured import Measured
from tests.benchmarks.serving.rounds import Audience, Round, best, connect, in_turns, pooled
from tests.benchmarks.serving.site import (
    BARE,
    CORE,
    DAPHNE,
    GRANIAN,
    OURS,
    PUBSUB,
    UVICORN,
    Served,
    Site,
    carried,
)

USUAL, MOST = 300, 1_000
_FRAMES, _FEWER_FRAMES = 12, 8  # many deliveries of few frames say as much
_ROUNDS_OF_ONE, _FRAMES_OF_ONE = 32, 30  # three looks at the flags and three saves in each
_FLOOD = 20  # more than the buffers take on the way to one who does not read
_SEND_BUFFER = 4_608
_TOO_BUSY = 0.9
_Goals = tuple[float, float, float]  # of the median, of the 99th percentile, of the CPU
_NEVER_WORSE: _Goals = (1.0, 1.0, 1.0)
_AT_USUAL: _Goals = (0.5, 0.8, 0.3)
_UVICORN: _Goals = (0.5, 0.8, 0.15)


def measure() -> Iterator[Measured]:
    """Measure 1,000 watchers to 1 under Daphne, and 300 under the others and over pub/sub."""
    with tempfile.TemporaryDirectory() as name:
        with Site(Path(name, "core"), CORE) as site:
            # Each contender has servers of its own: channels of one process share a queue.
            servers = site.serve(*[DAPHNE, UVICORN, GRANIAN] * 2)
            pairs = list(zip(servers[:3], servers[3:], strict=True))
            yield from _compare(site, DAPHNE, pairs[0], [*carried([MOST]), USUAL, 50, 1])
            yield from _compare(site, UVICORN, pairs[1], [USUAL], _UVICORN)
            yield from _compare(site, GRANIAN, pairs[2], [USUAL])
            yield from _slow_reader(site)
        with Site(Path(name, "pubsub"), PUBSUB) as site:
            ours, bare = site.serve(DAPHNE, DAPHNE)
            yield from _compare(site, "daphne, pub/sub", (ours, bare), [USUAL])


def _compare(
    site: Site,
    under: str,
    servers: tuple[Served, Served],
    numbers: Sequence[int],
    goals: _Goals = _AT_USUAL,
) -> Iterator[Measured]:
    """Compare the contenders; the first number is the highest."""
    op = site.operation()
    site.publisher.ask("begin", op=op)
    contenders = [
        Audience(site, server, name) for server, name in zip(servers, (OURS, BARE), strict=True)
    ]
    connect(contenders, op, numbers[0])
    if numbers[0] == MOST:
        ours_kb, bare_kb = (audience.rss / 1024 for audience in contenders)
        name = f"{MOST:,} watchers, {under}, RSS each"
        yield Measured("fanout", name, ours_kb, "KB", "bare consumer", bare_kb, 1.1)
    for number in numbers:
        for audience in contenders:
            audience.shrink(number)
        rounds = _rounds(contenders, number)
        ours, bare = map(best, rounds)
        label = f"{number:,} watchers, {under}"
        yield from _figures(label, number, ours, bare, goals if number == USUAL else _NEVER_WORSE)
        if number == 1:
            yield _disturbed(label, rounds)
    for audience in contenders:
        audience.shrink(0)
    site.publisher.ask("end")


def _rounds(contenders: Sequence[Audience], number: int) -> list[list[Round]]:
    if number == 1:
        return in_turns(contenders, _ROUNDS_OF_ONE, _FRAMES_OF_ONE)
    frames, rounds = (_FEWER_FRAMES if number >= USUAL else _FRAMES), (1 if number == MOST else 2)
    return in_turns(contenders, rounds, frames)


def _figures(
    label: str, number: int, ours: Round, bare: Round, goals: _Goals
) -> Iterator[Measured]:
    against = "bare consumer"
    if max(ours.share, bare.share) > _TOO_BUSY:
        against += ", slow client"  # their own process may have been what was late
    figures = [
        Measured("fanout", f"{label}, p50", ours.p50, "ms", against, bare.p50, goals[0]),
        Measured("fanout", f"{label}, p99", ours.p99, "ms", against, bare.p99, goals[1]),
    ]
    if number > 1:  # for one, the clock of the system is too coarse
        cpu = Measured("fanout", f"{label}, CPU", ours.cpu, "µs", against, bare.cpu, goals[2])
        figures.append(cpu)
    yield from [*figures, _none_lost(label, ours)]


def _disturbed(label: str, rounds: list[list[Round]]) -> Measured:
    """Compare the slowest frames of all rounds, most of which the machine made slow: no goal."""
    ours, bare = map(pooled, rounds)
    name = f"{label}, p99 of all rounds"
    return Measured("fanout", name, ours.p99, "ms", "bare consumer", bare.p99)


def _slow_reader(site: Site) -> Iterator[Measured]:
    """Compare with and without one that reads nothing, under a server that waits for readers."""
    op = site.operation()
    site.publisher.ask("begin", op=op)
    servers = site.serve(UVICORN, UVICORN, send_buffer=_SEND_BUFFER)
    audiences = [
        Audience(site, server, OURS, name)
        for server, name in zip(servers, ("with it", "without it"), strict=True)
    ]
    connect(audiences, op, USUAL, slow=1)
    audiences[0].take(1_000, _FLOOD)
    beside, without = map(best, in_turns(audiences, 6, _FEWER_FRAMES))
    if servers[0].counts()["behind"] != 1:
        raise RuntimeError("nobody waited for the slow reader: it had room for all that was sent")
    for audience in audiences:
        audience.shrink(0)
    site.publisher.ask("end")
    label = f"{USUAL} beside a slow one, uvicorn"
    yield Measured("fanout", f"{label}, p99", beside.p99, "ms", "without it", without.p99, 1.2)
    yield _none_lost(label, beside)


def _none_lost(label: str, found: Round) -> Measured:
    # One more than was lost: a ratio needs a limit that is not 0.
    return Measured("fanout", f"{label}, lost + 1", found.lost + 1, "", "limit", 1, 1.0, True)

"""All watchers connect at once, as after a restart of the server.

The operation runs and says nothing. Ours is done when the last socket has its snapshot, which it
asks for once it is open; bare when the last has its first message, a line that is sent at once
(see ``serving.bare``). The server counts its snapshots and its statements.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.measured import Measured
from tests.benchmarks.serving.site import BARE, DAPHNE, OURS, Served, Site, carried

ROUNDS = {300: 2, 1_000: 1}
_MOST_SNAPSHOTS = 1
_MOST_QUERIES = 3


def measure() -> Iterator[Measured]:
    """Measure 300 and 1,000 watchers under Daphne with Redis."""
    with tempfile.TemporaryDirectory() as name, Site(Path(name, "site")) as site:
        (server,) = site.serve(DAPHNE)
        for number in carried(ROUNDS):
            yield from _compare(site, server, number)


def _compare(site: Site, server: Served, number: int) -> Iterator[Measured]:
    seconds: dict[str, list[float]] = {OURS: [], BARE: []}
    counted: dict[str, list[dict[str, int]]] = {OURS: [], BARE: []}
    errors = Counter[str]()
    for _ in range(ROUNDS[number]):
        for contender, times in seconds.items():
            answer, counts = _connect(site, server, contender, number)
            times.append(answer["seconds"])
            counted[contender].append(counts)
            errors[contender] += answer["errors"]
    label = f"{number:,} connect at once"
    ours, bare = min(seconds[OURS]), min(seconds[BARE])
    yield Measured("connecting", label, ours, "s", "bare consumer", bare, 1.0)
    # One more than there were: a ratio needs a limit that is not 0.
    yield _count(f"{label}, errors + 1", errors[OURS] + 1, "limit", 1)
    snapshots, queries, access = (
        max(each.get(kind, 0) for each in counted[OURS])
        for kind in ("snapshots", "queries", "access")
    )
    yield _count(f"{label}, snapshots", snapshots, "limit", _MOST_SNAPSHOTS)
    yield _count(f"{label}, queries", queries, "limit", _MOST_QUERIES)
    usual = max(each.get("access", 0) for each in counted[BARE])
    # What a user may is asked of each user, not of each socket: that is no whole query a socket.
    yield _count(
        f"{label}, queries a socket for access", access // number, "bare consumer", usual // number
    )


def _connect(
    site: Site, server: Served, contender: str, number: int
) -> tuple[dict[str, Any], dict[str, int]]:
    op = site.operation()
    site.publisher.ask("begin", op=op)
    server.settle()
    server.counts()
    answer = site.connect(server, contender, op, number, at_once=number)
    counts = server.counts()
    site.watchers.ask("close", name=contender, but=0)
    site.publisher.ask("end")
    server.settle()
    return answer, counts


def _count(name: str, value: float, against: str, base: float) -> Measured:
    return Measured("connecting", name, value, "", against, base, 1.0, is_count=True)

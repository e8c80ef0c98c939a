"""How many processes a site takes, and what breaks first: a queueing model with measured costs.

`python -m tests.benchmarks.simulate` prints a table. Costs are taken from ``committed.json`` where
it has them, and otherwise the defaults of :class:`Costs`. What is counted: frames that workers
render and publish through Redis, that each server process takes once if it has a watcher of the
operation, and that it delivers to its sockets.

Each process is one server of a queue: one interpreter, so one frame at a time. Deliveries come at
random and take a fixed time, so a process is M/D/1; a pool that shares a queue is M/M/c, which is
what the database and its connections are taken for.
"""

import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

HIGHEST_USE = 0.6
"""The share of its time that a process is planned to be busy; queues grow steeply above it."""

MEASURED: dict[str, tuple[tuple[str, str], float]] = {
    "render": (("many", "CPU a second + operation, 200"), 1e-3 / 10),  # at 10 frames a second
    "deliver": (("fanout", "300 watchers, daphne, CPU"), 1e-6),
    "watcher_bytes": (("fanout", "1,000 watchers, daphne, RSS each"), 1_024),
}
"""Costs by the group and name of a figure, and what its unit is in that of the cost."""

COMMITTED = Path(__file__).with_name("committed.json")


@dataclass(frozen=True)
class Costs:
    """What things cost, in seconds of a processor unless said otherwise.

    Attributes:
        render: a frame in the worker: look, render, encode, hand to Redis.
        save: the database's time for one save of progress.
        receive: taking a frame from Redis in a server process.
        deliver: handing a frame to one socket.
        publish: Redis's time to take a message.
        forward: Redis's time to hand a message to one subscriber.
        writes_a_second: rows that the database commits in a second, at full use.
        saves_a_second: how often a run's progress is saved.
        watcher_bytes: memory of a watcher in a server process.
        process_bytes: memory that one process may take.
        database_connections: how many writers the database serves at a time.
    """

    render: float = 0.001
    save: float = 0.0003
    receive: float = 0.0001
    deliver: float = 0.00006
    publish: float = 0.000004
    forward: float = 0.000003
    writes_a_second: float = 10_000.0
    saves_a_second: float = 1.0
    watcher_bytes: float = 60_000.0
    process_bytes: float = 1_000_000_000.0
    database_connections: int = 100


@dataclass(frozen=True)
class Load:
    """What goes on at a time.

    Attributes:
        operations: how many run.
        watchers: how many people look at one of them; each at one operation.
        frames_a_second: of an operation that changes all the time.
    """

    operations: int
    watchers: int
    frames_a_second: float = 10.0

    @property
    def frames(self) -> float:
        """Frames of all operations in a second."""
        return self.operations * self.frames_a_second

    @property
    def deliveries(self) -> float:
        """Frames that reach sockets in a second."""
        return self.watchers * self.frames_a_second if self.operations else 0.0


@dataclass(frozen=True)
class Plan:
    """What a load takes.

    Attributes:
        servers, workers: processes of each kind.
        redis_messages: a second: taken from workers and handed to servers.
        redis_use: share of the time of one Redis process.
        database_writes: a second.
        database_use: share of what the database commits.
        wait: seconds that a frame waits in a server process, on average.
        database_wait: seconds that a save waits for a connection, on average.
        full: what has no room left on one machine of its kind, the fullest first.
    """

    servers: int
    workers: int
    redis_messages: float
    redis_use: float
    database_writes: float
    database_use: float
    wait: float
    database_wait: float
    full: tuple[str, ...]


def waiting_md1(use: float, service: float) -> float:
    """Return the mean wait in an M/D/1 queue, in the unit of ``service``; infinite when full."""
    return math.inf if use >= 1 else use * service / (2 * (1 - use))


def waiting_mmc(arrivals: float, service: float, servers: int) -> float:
    """Return the mean wait in an M/M/c queue.

    Args:
        arrivals: a second.
        service: seconds that one takes.
        servers: how many serve.
    """
    offered = arrivals * service
    if offered >= servers:
        return math.inf
    return _erlang_c(offered, servers) * service / (servers - offered)


def _erlang_c(offered: float, servers: int) -> float:
    """Return the share of arrivals that have to wait; by Erlang B, which never overflows."""
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = offered * blocked / (number + offered * blocked)
    return blocked / (1 - offered / servers * (1 - blocked))


def reached_servers(load: Load, servers: int) -> float:
    """Return how many server processes have a watcher of one operation, on average.

    Watchers choose operations and are sent to processes at random.
    """
    if not (load.operations and servers):
        return 0.0
    return servers * -math.expm1(-load.watchers / load.operations / servers)


def server_work(load: Load, costs: Costs, servers: int) -> float:
    """Return the seconds of work in a second that one of some server processes has."""
    taken = load.frames * reached_servers(load, servers) / servers
    return taken * costs.receive + load.deliveries / servers * costs.deliver


def plan(load: Load, costs: Costs | None = None, highest: float = HIGHEST_USE) -> Plan:
    """Return what a load takes, with no process busy for more than a share of its time."""
    costs = costs or Costs()
    workers = math.ceil(load.frames * costs.render / highest)
    servers = _servers(load, costs, highest)
    handed = load.frames * reached_servers(load, servers)
    redis_use = load.frames * costs.publish + handed * costs.forward
    writes = load.operations * costs.saves_a_second
    service = costs.receive + costs.deliver * (load.deliveries / handed if handed else 0.0)
    wait = waiting_md1(server_work(load, costs, servers), service) if servers else 0.0
    database_use = writes / costs.writes_a_second
    parts = {"Redis": redis_use, "database": database_use}
    full = [name for name in sorted(parts, key=parts.__getitem__)[::-1] if parts[name] > highest]
    return Plan(
        servers,
        workers,
        load.frames + handed,
        redis_use,
        writes,
        database_use,
        wait,
        waiting_mmc(writes, costs.save, costs.database_connections),
        tuple(full),
    )


def _servers(load: Load, costs: Costs, highest: float) -> int:
    """Return the fewest server processes that carry a load, by halving what is too many."""

    def carries(servers: int) -> bool:
        memory = load.watchers / servers * costs.watcher_bytes
        return server_work(load, costs, servers) <= highest and memory <= costs.process_bytes

    return _first(carries) if load.watchers else 0


def most_operations(part: str, load: Load, costs: Costs | None = None) -> int:
    """Return how many operations one Redis or one database carries at the planned use.

    Args:
        part: ``"Redis"`` or ``"database"``.
        load: how many watchers an operation has, and how many frames.
        costs: what things cost.
    """

    def is_full(operations: int) -> bool:
        watchers = round(operations * load.watchers / load.operations)
        return part in plan(replace(load, operations=operations, watchers=watchers), costs).full

    return _first(is_full) - 1


def _first(holds: Callable[[int], bool]) -> int:
    """Return the first number from 1 on of which something holds, as of all after it."""
    most = 1
    while not holds(most):
        most *= 2
    fewest = most // 2
    while most - fewest > 1:
        middle = (most + fewest) // 2
        most, fewest = (middle, fewest) if holds(middle) else (most, middle)
    return most


def costs_from(rows: Iterable[Mapping[str, object]], known: Costs | None = None) -> Costs:
    """Return costs with those that were measured in place of the defaults.

    Args:
        rows: those of a file of figures; which ones are taken is in ``MEASURED``.
        known: the costs of what is not among them.
    """
    values = {(str(row["group"]), str(row["name"])): float(str(row["value"])) for row in rows}
    found = {
        attribute: values[key] * scale
        for attribute, (key, scale) in MEASURED.items()
        if key in values
    }
    return replace(known or Costs(), **found)  # type: ignore[arg-type]


LOADS = (
    *(Load(10, 100), Load(100, 1_000), Load(1_000, 10_000), Load(10_000, 100_000)),
    *(Load(100_000, 100_000), Load(100_000, 1_000_000), Load(100_000, 1_000_000, 1.0)),
    Load(1, 1_000_000),
)


def table(loads: Iterable[Load] = LOADS, costs: Costs | None = None) -> str:
    """Return a Markdown table of what loads take."""
    return "\n".join(_lines(loads, costs or Costs()))


def _lines(loads: Iterable[Load], costs: Costs) -> Iterator[str]:
    yield (
        "| running | watchers | frames/s each | server processes | worker processes |"
        " Redis messages/s | of one Redis | writes/s | of one database | wait | full |"
    )
    yield "| --: " * 10 + "| --- |"
    for load in loads:
        it = plan(load, costs)
        yield (
            f"| {load.operations:,} | {load.watchers:,} | {load.frames_a_second:g} |"
            f" {it.servers:,} | {it.workers:,} | {it.redis_messages:,.0f} | {it.redis_use:.0%} |"
            f" {it.database_writes:,.0f} | {it.database_use:.0%} | {it.wait * 1000:.2g} ms |"
            f" {', '.join(it.full) or '-'} |"
        )


def main() -> int:
    """Print the table."""
    rows = json.loads(COMMITTED.read_text("utf-8")) if COMMITTED.exists() else []
    costs = costs_from(rows)
    print(table(costs=costs))
    print()
    for load in (Load(1, 1), Load(1, 10), Load(1, 100)):
        redis, database = (most_operations(part, load, costs) for part in ("Redis", "database"))
        print(
            f"With {load.watchers:,} watchers each, one Redis carries {redis:,} operations,"
            f" one database {database:,}."
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())

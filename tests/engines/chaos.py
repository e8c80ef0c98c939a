"""Chaos: a stream of operations, and workers that are killed at random moments.

A round kills one worker, or stops it and lets it go on later, when others may have its operation.
After the last round everything may come to rest; then the accounts are made up. What is random
comes from a seed, so a run that failed can be played again; which instant of a worker's life a
kill meets is left to the machine.
"""

import os
import random
import signal
import threading
import time
import uuid
from collections import Counter, deque
from typing import Any

from liveops import control
from liveops.exceptions import InvalidStateError
from liveops.reaping import Reaper
from liveops.store import RESUMES_BY_ITSELF
from tests.engines.chaos_accounts import Accounts, Report, stored_lines
from tests.engines.chaos_workers import RUNNER, connect, queue_name
from tests.engines.models import ResumingPlan
from tests.engines.process import Process
from tests.engines.site import Engines
from tests.engines.waiting import until

LIVEOPS = {
    "RUNNER": RUNNER,
    "HEARTBEAT_SECONDS": 0.4,
    "STALE_SECONDS": 2.5,
    "REAP_SECONDS": 1.0,
    "REQUEUE_SECONDS": 2.0,
    "PERSIST_SECONDS": 0.3,
    "THROTTLE_HZ": 5,
}
WORKERS = 6
WAITING = 5
_REST_SECONDS = 240.0
_BUSY_SECONDS = 30.0


class Chaos:
    """Plays rounds on a site with PostgreSQL and Redis; this process is one of its web processes.

    Args:
        site: the site.
        workers: the process that forks them.
        rounds: how many.
        seed: of all that is random.
    """

    def __init__(self, site: Engines, workers: Process, rounds: int, seed: int) -> None:
        self._site = site
        self._workers = workers
        self._random = random.Random(seed)  # noqa: S311  (a seed has to play again)
        self._pause = threading.Event()
        self._redis = connect()
        self._expected: dict[uuid.UUID, set[str]] = {}
        self._shown: dict[uuid.UUID, dict[int, str]] = {}
        self._asleep: deque[tuple[int, int]] = deque()
        self._read = 0
        self._bodies: Counter[int] = Counter()
        self.report = Report(seed, rounds)

    def play(self) -> Report:
        """Play all rounds, wait for rest, and make up the accounts."""
        began = time.monotonic()
        until(lambda: len(self._living()) == WORKERS, 60, "the workers")
        self._site.journal.path.touch()
        for number in range(self.report.rounds):
            self._keep_busy()
            self._strike(number)
            self._wake(number)
            if number % 10 == 0:
                self._look()
        self._wake(None)
        self._rest()
        self.report.seconds = time.monotonic() - began
        Accounts(self._site, self.report, self._expected, self._shown).make_up()
        self._redis.close()
        return self.report

    # Operations

    def _keep_busy(self) -> None:
        """See to it that no worker that is free has to wait for work."""
        for _ in range(WAITING - self._redis.llen(queue_name())):
            fails, plan = self._random.random() < 0.15, self._plan()
            if fails:
                plan["Save"].append(["fail", "as planned"])
            elif self._random.random() < 0.3:
                plan["Save"].append(["hand_on", self._plan()])
            operation = ResumingPlan.objects.create(plan=plan, resumes_left=10_000)
            self._expected[operation.pk] = {"FINISHED_ERROR" if fails else "FINISHED_OK"}
            operation.enqueue()
            if self._random.random() < 0.05:
                self._cancel_one()

    def _plan(self) -> dict[str, list[list[Any]]]:
        """Return a plan of some tenths of a second."""
        some = self._random.randint
        kept: list[Any] = ["atomic", [["work", some(1, 5)], ["note", "kept"], ["work", some(1, 5)]]]
        gone: list[Any] = ["atomic", [["note", "gone"], ["work", some(1, 5)]], "rollback"]
        return {
            "Load": [["work", some(1, 20)], ["return", some(1, 9)]],
            "Change": [*self._random.sample([kept, gone, ["stumble"]], 2), ["work", some(1, 20)]],
            "Save": [["work", some(1, 20)], ["result", {"rows": some(1, 9)}]],
        }

    def _cancel_one(self) -> None:
        pk = self._random.choice(list(self._expected))
        try:
            control.cancel(ResumingPlan.objects.get(pk=pk))
        except InvalidStateError:
            return
        # Killed before it could stop, it is INTERRUPTED; or it was at its end already.
        self._expected[pk] |= {"CANCELLED", "INTERRUPTED"}

    # Strikes

    def _living(self) -> list[int]:
        return [child.pid for child in self._workers.children()]

    def _strike(self, number: int) -> None:
        asleep = {pid for pid, _ in self._asleep}
        victim = self._choose(asleep)
        pauses = len(asleep) < WORKERS // 3 and self._random.random() < 0.1
        try:
            os.kill(victim, signal.SIGSTOP if pauses else signal.SIGKILL)
        except ProcessLookupError:
            return
        self._site.journal.note("paused" if pauses else "killed", pid=victim)
        if pauses:
            self._asleep.append((victim, number + self._random.randint(3, 40)))
            self.report.pauses += 1
        else:
            self.report.kills += 1

    def _choose(self, asleep: set[int]) -> int:
        """Return a worker; mostly, a little while after it was in the midst of a stage."""
        victims: set[int] = set()
        if self._random.random() < 0.9:
            deadline = time.monotonic() + _BUSY_SECONDS
            while not victims and time.monotonic() < deadline:
                self._pause.wait(0.01)
                victims = self._busy() - asleep
        else:
            until(lambda: set(self._living()) - asleep, 30, "a worker")
        self._pause.wait(self._random.uniform(0.0, 0.15))
        return self._random.choice(sorted(victims or set(self._living()) - asleep))

    def _busy(self) -> set[int]:
        """Return the workers that are in the midst of a stage."""
        with self._site.journal.path.open(encoding="utf-8") as journal:
            journal.seek(self._read)
            new = journal.read()
            self._read = journal.tell()
        for line in new.splitlines():
            what, _, _, pid, *_ = line.split("\t")
            if what in ("begin", "end"):
                self._bodies[int(pid)] += 1 if what == "begin" else -1
            elif what == "killed":
                self._bodies[int(pid)] = 0
        return {pid for pid, count in self._bodies.items() if count > 0}

    def _wake(self, number: int | None) -> None:
        """Let those go on whose time has come, or all of them."""
        for pid, until_round in list(self._asleep):
            if number is None or number >= until_round:
                self._asleep.remove((pid, until_round))
                try:
                    os.kill(pid, signal.SIGCONT)
                except ProcessLookupError:
                    continue

    # Accounts

    def _look(self) -> None:
        """Look at the log as a reader of the database does."""
        for pk, number, text in stored_lines():
            self._shown.setdefault(pk, {})[number] = text

    def _rest(self) -> None:
        reaper = Reaper()

        def all_ended() -> bool:
            reaper.round()
            waiting = ResumingPlan.objects.filter(
                state__in=["NOT_STARTED", "STARTED"], enqueued_on__isnull=False
            )
            waiting.update(hand_overs=0)  # as if the time had passed that doubles each time
            # A reaper that has just had much to hand over has a rest before it goes on with that.
            going_on = ResumingPlan.objects.filter(**RESUMES_BY_ITSELF)
            return not (waiting.exists() or going_on.exists())

        deadline = time.monotonic() + _REST_SECONDS
        while not all_ended() and time.monotonic() < deadline:
            self._pause.wait(0.2)

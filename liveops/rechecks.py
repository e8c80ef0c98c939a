"""When those who watch are asked again whether they may: from time to time, and when there is news.

Not all at once: each at a time of its own, and together with those of the same session. News
(:mod:`liveops.rights`) makes those due whom it concerns. The rest is one task, which leaves the
database to others between two portions, and goes on trying while the database is away.
"""

import asyncio
import logging
import random
import time
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from channels.db import database_sync_to_async

from liveops import outages, rights_news
from liveops.conf import get_settings
from liveops.hub import PREFIX, Hub, Listener
from liveops.outages import Outage
from liveops.protocol import NOT_SERVED
from liveops.readings import current_readings
from liveops.rechecking import Identity, Question, SessionsAwayError, Verdict, judge
from liveops.rights import EVERYBODY, News, hear, ignore

logger = logging.getLogger("liveops")

KEPT_SECONDS = 300.0
"""How long those go on, beyond RECHECK_SECONDS, about whom the database cannot be asked."""

_EARLIEST, _LATEST = 0.4, 0.8  # of RECHECK_SECONDS: the rest is for the asking
_MOST_PEOPLE = 25  # whom one hop to the thread for the database is about
_MOST_SOCKETS = 200
_REST = 0.5  # times what a hop took, so that others get at the database
_REMEMBERED_SECONDS = 10.0  # news, for sockets that are only just being opened
_RETRY_SECONDS = 2.0
_NOW = float("-inf")

Ask = Callable[[Sequence[Question]], list[Verdict]]


class Member(Protocol):
    """A socket, as it is known here."""

    @property
    @abstractmethod
    def identity(self) -> Identity:
        """Who opened it."""

    @abstractmethod
    def question(self, *, is_over: bool) -> Question:
        """Return what is to be asked for it."""

    def judged(self, question: Question, verdict: Verdict) -> None:
        """Take the answer; must not block."""

    def end(self, code: int) -> None:
        """Close it, whatever becomes of what waits; must not block."""


class _Turn:
    """When a socket was asked for last and is next, and whether its session is known to be over."""

    __slots__ = ("asked_at", "due_at", "is_over")

    def __init__(self, now: float) -> None:
        self.asked_at, self.due_at = now, now + _pause()
        self.is_over = False


class Rechecks:
    """The sockets of an event loop, and when each is asked for again.

    Args:
        hub: of that loop.
        ask: answers questions, in the thread for the database.
        clock: the seconds of now.

    Attributes:
        news_heard: how many pieces of news there have been.
    """

    def __init__(
        self, hub: Hub, ask: Ask = judge, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._hub = hub
        self._ask = ask
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._turns: dict[Member, _Turn] = {}
        self._by_user: dict[str, set[Member]] = {}
        self._by_session: dict[str, set[Member]] = {}
        self._lonely: set[Member] = set()  # whom to ask for without others, for they fail
        self._recent: deque[tuple[float, News]] = deque()
        self.news_heard = 0
        self._task: asyncio.Task[None] | None = None
        self._outage = Outage(
            "liveops: the database cannot be asked who may still watch (%s); those who might go on",
            "liveops: the database can be asked again who may still watch",
        )

    def number_of(self, user_pk: str) -> int:
        """Return how many sockets a user has."""
        return len(self._by_user.get(user_pk, ()))

    def add(self, member: Member) -> None:
        """Ask for a socket from now on."""
        identity = member.identity
        turn = self._turns[member] = _Turn(self._clock())
        for index, key in ((self._by_user, identity.user_pk), (self._by_session, identity.digest)):
            if key:
                index.setdefault(key, set()).add(member)
        if len(self._turns) == 1:
            hear(self._hear)
        for news in self._recent_news():  # it may have been read who it is before that came
            turn.is_over |= identity.digest in news.sessions
            if news.everybody or turn.is_over or identity.user_pk in news.users:
                turn.due_at = _NOW

    def remove(self, member: Member) -> None:
        """Ask for a socket no longer."""
        if self._turns.pop(member, None) is None:
            return
        self._lonely.discard(member)
        identity = member.identity
        for index, key in ((self._by_user, identity.user_pk), (self._by_session, identity.digest)):
            same = index.get(key, set())
            same.discard(member)
            if not same:
                index.pop(key, None)
        if not self._turns:
            ignore(self._hear)
            if self._task is not None:
                self._task.cancel()
            if self._hub.listens(rights_news.GROUP):
                self._hub.run(self._stop_listening())

    def ask(self, member: Member) -> None:
        """Ask for a socket now."""
        if member in self._turns:
            self._turns[member].due_at = _NOW
            self.tend()

    async def listen(self) -> None:
        """Hear what other processes have to tell, from now on or from when they can be heard."""
        if not self._hub.listens(rights_news.GROUP) and rights_news.reaches_others():
            listener = Listener(self._receive, lambda: self._take(EVERYBODY))
            await self._hub.listen(rights_news.GROUP, listener)

    async def _stop_listening(self) -> None:
        if not self._turns:  # nobody has come meanwhile
            await self._hub.ignore(rights_news.GROUP)

    def tend(self) -> None:
        """Begin to ask for those who are due; to be called often."""
        now = self._clock()
        is_any_due = any(turn.due_at <= now for turn in self._turns.values())
        if is_any_due and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._ask_again())

    async def _ask_again(self) -> None:
        while batch := self._due():
            began = time.monotonic()
            try:
                await self._ask_for(batch)
            except Exception as error:
                if outages.is_passing(error) or isinstance(error, SessionsAwayError):
                    await self._wait_for_the_database(error, batch)
                elif len(batch) > 1:  # a rule of the project's own fails for one of them, perhaps
                    for member in batch:
                        self._lonely.add(member)
                        self._turns[member].due_at = _NOW
                else:
                    logger.exception("liveops: nobody can say whether a socket may go on")
                    self._give_up(batch)
            else:
                self._outage.ends(self)
            await asyncio.sleep((time.monotonic() - began) * _REST)

    async def _ask_for(self, batch: Sequence[Member]) -> None:
        turns = [self._turns[member] for member in batch]
        questions = [
            member.question(is_over=turn.is_over) for member, turn in zip(batch, turns, strict=True)
        ]
        verdicts = await database_sync_to_async(self._ask)(questions)
        now = self._clock()
        answered = zip(batch, turns, questions, verdicts, strict=True)
        for member, turn, question, verdict in answered:
            turn.asked_at = now
            self._lonely.discard(member)
            if member in self._turns:
                member.judged(question, verdict)

    def _due(self) -> list[Member]:
        """Return whom to ask for next, and note when each is due again."""
        now, people = self._clock(), set[str]()
        batch: dict[Member, None] = {}
        for member, turn in self._turns.items():
            if turn.due_at > now or member in batch:
                continue
            if member in self._lonely:
                batch = {member: None}
                break
            identity = member.identity
            # Others of the same session cost no more queries.
            batch |= dict.fromkeys((member, *self._by_session.get(identity.digest, ())))
            people.add(identity.digest or identity.user_pk)
            if len(people) >= _MOST_PEOPLE or len(batch) >= _MOST_SOCKETS:
                break
        for member in batch:
            self._turns[member].due_at = now + _pause()
        return list(batch)

    async def _wait_for_the_database(self, error: Exception, batch: Sequence[Member]) -> None:
        """Try again later; who could not be asked for too long is not served any more."""
        self._outage.begins(self, error)
        now = self._clock()
        until = get_settings().RECHECK_SECONDS + KEPT_SECONDS
        for member in batch:
            if member in self._turns:
                self._turns[member].due_at = now
        self._give_up([one for one, turn in self._turns.items() if now - turn.asked_at > until])
        await asyncio.sleep(_RETRY_SECONDS)

    def _give_up(self, members: Sequence[Member]) -> None:
        for member in members:
            member.end(NOT_SERVED)

    # News

    def _hear(self, news: News) -> None:
        """Take news of this process, in whatever thread it comes from."""
        try:
            self._loop.call_soon_threadsafe(self._take, news)
        except RuntimeError:  # the loop is closed
            ignore(self._hear)

    def _receive(self, message: dict[str, Any]) -> None:
        news = rights_news.received(message)
        if news is not None:
            self._take(news)

    def _take(self, news: News) -> None:
        self._recent.append((self._clock(), news))
        self.news_heard += 1
        current_readings().renew()
        for member in self._concerned(news):
            turn = self._turns.get(member)
            if turn is not None:
                turn.due_at = _NOW
                turn.is_over |= member.identity.digest in news.sessions
        self.tend()

    def _concerned(self, news: News) -> set[Member]:
        if news.everybody:
            return set(self._turns)
        found: set[Member] = set()
        found.update(*(self._by_user.get(pk, ()) for pk in news.users))
        found.update(*(self._by_session.get(digest, ()) for digest in news.sessions))
        for op in news.operations:
            watchers: Any = self._hub.watchers_of(f"{PREFIX}{op}")
            found.update(watchers)
        return found

    def _recent_news(self) -> list[News]:
        oldest = self._clock() - _REMEMBERED_SECONDS
        while self._recent and self._recent[0][0] < oldest:
            self._recent.popleft()
        return [news for _, news in self._recent]


def _pause() -> float:
    """Return the seconds until somebody is asked for again: not for all the same."""
    part = random.uniform(_EARLIEST, _LATEST)  # noqa: S311  (no secret)
    return get_settings().RECHECK_SECONDS * part

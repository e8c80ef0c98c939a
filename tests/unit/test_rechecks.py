"""When those who watch are asked for again: spread, at once on news, and through all trouble."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError

from liveops import rechecks, rights
from liveops.rechecking import NOBODY, Identity, Question, SessionsAwayError, Verdict, judge
from liveops.rechecks import KEPT_SECONDS, Rechecks
from liveops.rights import EVERYBODY, News
from tests.unit.helpers import Clock, in_loop
from tests.unit.test_sockets import FakeHub, FakeSocket

FINE = Verdict(False, ())


class Member(FakeSocket):
    """A socket that notes when it was judged."""

    def __init__(self, user_pk: str, session: str, clock: Clock) -> None:
        super().__init__()
        self.identity = Identity(user_pk=user_pk, digest=session)
        self.leave: Callable[[Any], None] = lambda member: None
        self.judged_at: list[float] = []
        self.overs: list[bool] = []
        self._clock = clock

    def end(self, code: int) -> None:
        super().end(code)
        self.leave(self)

    def judged(self, question: Question, verdict: Verdict) -> None:
        self.judged_at.append(self._clock())
        self.overs.append(question.is_over)


class Scene:
    """Rechecks whose database is a list, by a hand clock."""

    def __init__(self) -> None:
        self.clock = Clock(1_000.0)
        self.asked: list[list[Question]] = []
        self.error: Exception | None = None
        self.bad: set[str] = set()
        hub: Any = FakeHub()
        hub.watchers_of = lambda group: [m for m in self.members if group == "liveop.op"]
        self.members: list[Member] = []
        self.rechecks = Rechecks(hub, self._answer, self.clock)

    def _answer(self, questions: Sequence[Question]) -> list[Verdict]:
        self.asked.append(list(questions))
        if self.error is not None:
            raise self.error
        if any(question.identity.user_pk in self.bad for question in questions):
            raise LookupError("a rule of the project's own")
        return [FINE for _ in questions]

    def add(self, user_pk: str = "", session: str = "") -> Member:
        member = Member(user_pk, session, self.clock)
        member.leave = self.rechecks.remove
        self.members.append(member)
        self.rechecks.add(member)
        return member

    async def settle(self) -> None:
        """Let it ask for all who are due."""
        self.rechecks.tend()
        task = self.rechecks._task
        if task is not None:
            await asyncio.wait_for(task, 20)

    async def after(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await self.settle()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.LIVEOPS = {"RECHECK_SECONDS": 60}
    monkeypatch.setattr(rechecks, "_REST", 0.0)
    monkeypatch.setattr(rechecks, "_RETRY_SECONDS", 0.0)


def play(scene: Callable[[Scene], Awaitable[None]]) -> None:
    async def main() -> None:
        stage = Scene()
        await scene(stage)
        for member in stage.members:
            stage.rechecks.remove(member)
        assert not stage.rechecks._turns
        assert not stage.rechecks._by_user
        assert not stage.rechecks._by_session
        assert stage.rechecks._hear not in rights._hearers

    in_loop(main)


def test_everybody_is_asked_for_in_time_but_not_all_at_once() -> None:
    async def scene(stage: Scene) -> None:
        members = [stage.add(str(n)) for n in range(300)]
        for _ in range(600):
            await stage.after(0.5)
        for member in members:
            times = [1_000.0, *member.judged_at, stage.clock()]
            gaps = [later - earlier for earlier, later in pairwise(times)]
            assert max(gaps) <= 0.8 * 60 + 0.5
        busiest = max(
            sum(member.judged_at.count(time) for member in members)
            for time in {time for member in members for time in member.judged_at}
        )
        assert busiest < 60

    play(scene)


def test_sockets_of_one_session_are_asked_for_together() -> None:
    async def scene(stage: Scene) -> None:
        for _ in range(50):
            stage.add("7", "session")
        await stage.after(60)
        assert [len(questions) for questions in stage.asked] == [50]

    play(scene)


def test_many_people_are_asked_for_in_portions() -> None:
    async def scene(stage: Scene) -> None:
        for number in range(120):
            stage.add(str(number), f"session {number}")
        stage.rechecks._take(EVERYBODY)
        await stage.settle()
        assert [len(questions) for questions in stage.asked] == [25, 25, 25, 25, 20]

    play(scene)


@pytest.mark.parametrize(
    ("news", "whom"),
    [
        (News(users=frozenset({"7"})), "ab"),
        (News(sessions=frozenset({"one"})), "a"),
        (News(operations=frozenset({"op"})), "abc"),
        (News(operations=frozenset({"another"})), ""),
        (News(users=frozenset({"9"})), ""),
        (EVERYBODY, "abc"),
    ],
    ids=["a user", "a session", "an operation", "one unwatched", "a stranger", "everybody"],
)
def test_news_makes_those_due_whom_it_concerns(news: News, whom: str) -> None:
    async def scene(stage: Scene) -> None:
        members = {
            "a": stage.add("7", "one"),
            "b": stage.add("7", "two"),
            "c": stage.add("8", "three"),
        }
        stage.rechecks._hear(news)
        await asyncio.sleep(0)
        await stage.settle()
        judged = "".join(name for name, member in members.items() if member.judged_at)
        assert judged == whom
        over = [name for name, member in members.items() if any(member.overs)]
        assert over == (["a"] if news.sessions else [])

    play(scene)


def test_who_comes_just_after_the_news_is_asked_for_too() -> None:
    async def scene(stage: Scene) -> None:
        stage.add("1")
        stage.rechecks._take(News(frozenset({"7"}), frozenset({"over"})))
        await stage.after(9)
        late, other = stage.add("8", "over"), stage.add("9", "fine")
        same = stage.add("7", "new")
        await stage.settle()
        assert (late.overs, same.overs, other.overs) == ([True], [False], [])
        await stage.after(2)
        much_later = stage.add("7", "newer")
        await stage.settle()
        assert much_later.judged_at == []

    play(scene)


def test_news_that_comes_while_it_is_asked_is_not_forgotten() -> None:
    async def scene(stage: Scene) -> None:
        member = stage.add("7")
        news = News(users=frozenset({"7"}))
        answer = stage._answer

        def interrupted(questions: Sequence[Question]) -> list[Verdict]:
            stage.rechecks._ask = answer
            stage.rechecks._hear(news)
            return answer(questions)

        stage.rechecks._ask = interrupted
        stage.rechecks._take(news)
        await stage.settle()
        await asyncio.sleep(0)
        await stage.settle()
        assert len(member.judged_at) == 2

    play(scene)


@pytest.mark.parametrize("away", [OperationalError("away"), SessionsAwayError("away")])
def test_while_the_database_is_away_all_stays_as_it_is_for_a_while(
    away: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(stage: Scene) -> None:
        members = [stage.add(str(n)) for n in range(40)]
        stage.error = away
        for _ in range(5):
            stage.rechecks.tend()
            stage.clock.advance(30)
            for _ in range(20):
                await asyncio.sleep(0.001)
        assert [member.ended for member in members] == [[]] * 40
        stage.error = None
        await stage.settle()
        assert all(member.judged_at for member in members)
        stage.error = OperationalError("away again, for good")
        stage.clock.advance(60 + KEPT_SECONDS + 1)
        stage.rechecks.tend()
        async with asyncio.timeout(10):
            while not all(member.ended for member in members):  # noqa: ASYNC110  (nothing tells)
                await asyncio.sleep(0.001)
        assert {code for member in members for code in member.ended} == {4500}

    with caplog.at_level(logging.WARNING, "liveops"):
        play(scene)
    told = [record.getMessage().split(" (")[0] for record in caplog.records]
    out = "liveops: the database cannot be asked who may still watch"
    assert told == [out, "liveops: the database can be asked again who may still watch", out]


def test_a_rule_that_fails_for_one_ends_that_one_alone(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(stage: Scene) -> None:
        members = [stage.add(str(n)) for n in range(5)]
        stage.bad = {"3"}
        await stage.after(60)
        assert [member.ended for member in members] == [[], [], [], [4500], []]
        assert [bool(member.judged_at) for member in members] == [True, True, True, False, True]

    play(scene)
    assert "nobody can say whether a socket may go on" in caplog.text


def test_what_keeps_the_sessions_may_fail_in_a_way_of_its_own() -> None:
    def broken() -> dict[str, Any]:
        raise LookupError("no such cache")

    somebody: Any = SimpleNamespace(pk=7, is_authenticated=True)
    question = Question(Identity(somebody, "7", broken, "digest"), False, ())
    with pytest.raises(SessionsAwayError, match="LookupError: no such cache"):
        judge([question])


def test_users_of_a_project_s_own_need_not_be_rows() -> None:
    token_user: Any = SimpleNamespace(pk="x", is_authenticated=True)
    identity = Identity.of({"user": token_user, "session": None})
    assert (identity.user_pk, identity.digest, identity.load_session) == ("x", "", None)
    assert judge([Question(identity, False, ())]) == [FINE]
    assert judge([Question(identity, True, ())]) == [Verdict(True, ())]
    unsaved: Any = SimpleNamespace(pk=None, is_authenticated=True)
    assert Identity.of({"user": unsaved}).user_pk == ""
    for nobody in (None, SimpleNamespace(is_authenticated=False)):
        assert Identity.of({"user": nobody}) is NOBODY


def test_who_comes_while_the_last_one_leaves_is_listened_for() -> None:
    async def scene(stage: Scene) -> None:
        heard = [True]
        hub: Any = stage.rechecks._hub
        tasks: list[asyncio.Task[None]] = []

        async def ignore(group: str) -> None:
            heard[0] = False

        hub.listens = lambda group: heard[0]
        hub.run = lambda coroutine: tasks.append(asyncio.create_task(coroutine))
        hub.ignore = ignore
        stage.rechecks.remove(stage.add("1"))
        stage.add("2")
        await asyncio.gather(*tasks)
        assert heard == [True]
        stage.rechecks.remove(stage.members[-1])
        await asyncio.gather(*tasks)
        assert heard == [False]

    play(scene)

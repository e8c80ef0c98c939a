"""Questions that come at once share a reading; whoever comes later gets a later one."""

import asyncio
import threading
import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser, User
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from liveops import readings, snapshot
from liveops.guests import Guests
from liveops.reading import Reading
from liveops.readings import Readings, current_readings

# A question looks at this thread's connection, which another test may have left open.
pytestmark = pytest.mark.django_db

DEADLINE = 10.0
ONE, OTHER = uuid.uuid4(), uuid.uuid4()


def which(shared: Reading) -> Reading:
    """Ask for the reading itself."""
    return shared


class Held:
    """A question that is not answered before the test says so."""

    def __init__(self) -> None:
        self.asked, self.go = threading.Event(), threading.Event()

    def __call__(self, shared: Reading) -> Reading:
        self.asked.set()
        assert self.go.wait(DEADLINE)
        return shared


async def begin(ours: Readings, question: Callable[[Reading], Any], pk: Any = ONE) -> Any:
    """Ask a question, and return the task that waits for its answer."""
    task = asyncio.create_task(ours.ask(pk, question))
    await asyncio.sleep(0)
    return task


async def reached(event: threading.Event) -> None:
    """Return when an event is set by another thread."""
    assert await asyncio.to_thread(event.wait, DEADLINE)


def in_a_loop(test: Callable[[Readings], Any]) -> Any:
    """Run a coroutine that takes readings of its own."""

    async def run() -> Any:
        async with asyncio.timeout(DEADLINE):
            return await test(Readings())

    return async_to_sync(run)()


def test_questions_at_once_share_a_reading_and_later_ones_the_next() -> None:
    async def ask(ours: Readings) -> None:
        held = Held()
        first = await begin(ours, held)
        same = await begin(ours, which)
        await reached(held.asked)
        later = [await begin(ours, which) for _ in range(5)]
        held.go.set()
        shared = await first
        found = {await task for task in later}
        assert len(found) == 1
        assert shared not in found
        assert (await same) in {shared, *found}

    in_a_loop(ask)


def test_all_who_ask_before_the_loop_goes_on_are_in_the_first_reading() -> None:
    async def ask(ours: Readings) -> None:
        found = await asyncio.gather(*(ours.ask(ONE, which) for _ in range(300)))
        assert len(set(found)) == 1

    in_a_loop(ask)


def test_each_operation_has_readings_of_its_own() -> None:
    async def ask(ours: Readings) -> None:
        one, other = await asyncio.gather(ours.ask(ONE, which), ours.ask(OTHER, which))
        assert one is not other

    in_a_loop(ask)


@pytest.mark.parametrize(
    ("error", "raised"),
    [(LookupError("lost"), LookupError), (StopIteration(), RuntimeError)],
    ids=["error", "stop"],
)
def test_a_question_that_fails_fails_alone(error: Exception, raised: type[Exception]) -> None:
    def fail(shared: Reading) -> None:
        raise error

    async def ask(ours: Readings) -> None:
        waiting = (ours.ask(ONE, which), ours.ask(ONE, fail), ours.ask(ONE, which))
        before, failed, after = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(failed, raised)
        assert isinstance(before, Reading)
        assert before is after

    in_a_loop(ask)


def test_the_trace_of_an_error_that_all_share_does_not_grow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(pk: Any) -> None:
        calls.append(pk)
        raise LookupError("the database is away")

    def depth(error: BaseException) -> int:
        trace, count = error.__traceback__, 0
        while trace is not None:
            trace, count = trace.tb_next, count + 1
        return count

    async def ask(ours: Readings) -> None:
        def look(shared: Reading) -> Any:
            return shared.operation

        waiting = [ours.ask(ONE, look) for _ in range(50)]
        errors = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(error, LookupError) for error in errors)
        assert max(depth(error) for error in errors) < 20

    calls: list[Any] = []
    monkeypatch.setattr(snapshot, "find", away)
    in_a_loop(ask)
    assert len(calls) == 1, "it is read once for all who share it"


def test_who_leaves_is_not_answered_and_holds_up_nobody() -> None:
    async def ask(ours: Readings) -> None:
        held = Held()
        calls: list[Reading] = []
        first = await begin(ours, held)
        await reached(held.asked)
        gone = await begin(ours, calls.append)
        stays = await begin(ours, which)
        gone.cancel()
        first.cancel()
        await asyncio.gather(gone, first, return_exceptions=True)
        held.go.set()
        assert isinstance(await stays, Reading)
        assert calls == []
        assert gone.cancelled()
        assert first.cancelled()

    in_a_loop(ask)


def test_a_long_answer_is_given_in_parts_of_one_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings, "_HOP_SECONDS", -1.0)
    hops: list[int] = []
    answer = readings._replies

    def counted(*arguments: Any) -> Any:
        hops.append(len(arguments[1]))
        return answer(*arguments)

    async def ask(ours: Readings) -> None:
        found = await asyncio.gather(*(ours.ask(ONE, which) for _ in range(4)))
        assert len(set(found)) == 1

    monkeypatch.setattr(readings, "_replies", counted)
    in_a_loop(ask)
    assert hops == [4, 3, 2, 1]


def test_a_crowd_gathers_while_an_operation_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []

    async def ask(ours: Readings) -> None:
        over = asyncio.Event()

        async def rest(seconds: float) -> None:
            rests.append(seconds)
            await over.wait()

        resting = SimpleNamespace(**{**vars(asyncio), "sleep": rest})
        monkeypatch.setattr(readings, "asyncio", resting)
        first, _ = await asyncio.gather(ours.ask(ONE, which), ours.ask(ONE, which))
        crowd = [await begin(ours, which) for _ in range(10)]
        over.set()
        found = {await task for task in crowd}
        assert len(found) == 1
        assert first not in found

    in_a_loop(ask)
    assert all(0.0 <= seconds <= readings._LONGEST_REST for seconds in rests)


def test_nobody_waits_for_ever_for_a_loop_that_ends() -> None:
    async def ask(ours: Readings) -> None:
        held = Held()
        first = await begin(ours, held)
        await reached(held.asked)
        later = await begin(ours, which)
        for task in ours._tasks:
            task.cancel()
        held.go.set()
        ends = await asyncio.gather(first, later, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ends)
        assert ours._askers == {}

    in_a_loop(ask)


def test_a_thread_that_takes_no_more_work_is_told_to_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(function: Any) -> Any:
        raise RuntimeError("cannot schedule new futures after shutdown")

    async def ask(ours: Readings) -> None:
        waiting = (ours.ask(ONE, which), ours.ask(ONE, which))
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert [str(error).split(" ")[0] for error in found] == ["cannot", "cannot"]

    monkeypatch.setattr(readings, "database_sync_to_async", refuse)
    in_a_loop(ask)


def test_a_loop_has_one_set_of_readings() -> None:
    async def ask(ours: Readings) -> Readings:
        assert current_readings() is current_readings()
        return current_readings()

    assert in_a_loop(ask) is not in_a_loop(ask)


def test_users_share_an_answer_only_if_nothing_else_tells_them_apart() -> None:
    asked: list[Any] = []
    joined = timezone.now()

    def may_watch(user: Any) -> bool:
        asked.append(user)
        return getattr(user, "is_verified", False)

    def someone(**marks: Any) -> Any:
        user = User(pk=1, date_joined=joined)
        vars(user).update(marks)
        return user

    guests = Guests(may_watch)
    verified = guests.of(someone(is_verified=True))
    assert verified.grant
    assert not guests.of(someone()).grant
    assert guests.of(someone(is_verified=True, _perm_cache={"a.view_b"})) is verified
    assert guests.of(SimpleLazyObject(lambda: someone(is_verified=True))) is verified
    assert len(asked) == 2


def test_users_are_taken_for_one_only_if_they_are() -> None:
    key = Guests(lambda user: True)._key
    keys = [key(user) for user in (User(pk=1), User(pk=1), User(pk=2))]
    assert keys[0] == keys[1] != keys[2]
    assert key(AnonymousUser()) == key(AnonymousUser()) != key(None)
    unsaved = User(), User()
    assert key(unsaved[0]) == key(unsaved[0]) != key(unsaved[1])

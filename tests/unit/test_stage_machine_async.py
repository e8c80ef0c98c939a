"""The stage machine with ``async`` bodies and phases."""

import asyncio
import functools
import inspect
from collections.abc import Awaitable
from typing import Any

import pytest

from liveops.stages import RetryStage, stage_of
from liveops.stages.declaration import BEGIN, PHASES, PREPARE_RETRY, SKIP
from tests.unit.helpers import in_loop
from tests.unit.stage_owner import Owner, Script, attempts, stage
from tests.unit.test_stage_machine_phases import SHORT, reaching, usual


class AsyncScript(Owner):
    """An owner of one async stage."""

    @stage()
    async def build(self, more: int = 0) -> Any:
        """Build it while others work."""
        await asyncio.sleep(0)
        return self.body() + more


class Yielding:
    """Something to wait for that is no coroutine."""

    def __await__(self) -> Any:
        yield


def test_an_async_stage_is_awaited_and_goes_through_the_same_phases() -> None:
    script = AsyncScript(RetryStage(), 40, limits=attempts(1))
    method = AsyncScript.build
    assert inspect.iscoroutinefunction(method)
    assert stage_of(method) is not None
    assert method.__doc__ == "Build it while others work."
    assert in_loop(lambda: script.build(more=2)) == 42
    plain = Script(RetryStage(), 40, limits=attempts(1))
    plain.build()
    assert script.trace == plain.trace


def test_an_async_stage_is_skipped_and_exhausted_as_a_plain_one() -> None:
    for selected in (True, False):
        script = AsyncScript(RetryStage(), selected=selected, limits=attempts(1))
        plain = Script(RetryStage(), selected=selected, limits=attempts(1))
        assert in_loop(script.build) is None
        assert plain.build() is None
        assert script.trace == plain.trace


@pytest.mark.parametrize("phase", PHASES)
def test_an_async_stage_may_have_async_phases(phase: str) -> None:
    async def own(self: Any, *args: Any) -> None:
        self.trace.append("own begins")
        await asyncio.sleep(0)
        self.trace.append("own ends")

    class Sometimes(Owner):
        @stage()
        async def build(self) -> Any:
            return self.body()

    for name in (phase, f"{phase}_build"):
        script = reaching(phase, type("Own", (Sometimes,), {name: own}))
        in_loop(script.build)
        parts = [["own begins", "own ends"] if x == SHORT[phase] else [x] for x in usual(phase)]
        assert script.phases == [entry for part in parts for entry in part]


def test_plain_phases_of_an_async_stage_go_through_the_host_and_async_ones_do_not() -> None:
    called: list[str] = []

    class Mixed(AsyncScript):
        async def _end_stage(self) -> None:
            await asyncio.sleep(0)

    def call(function: Any, *args: Any, **kwargs: Any) -> Any:
        called.append(function.__name__)
        return function(*args, **kwargs)

    script = Mixed(1)
    script.host.call = call  # type: ignore[method-assign]
    in_loop(script.build)
    assert called == ["_run_pre_stage_actions", "_begin_stage", "_run_post_stage_actions"]


@pytest.mark.parametrize("phase", PHASES)
def test_an_async_phase_of_a_plain_stage_is_refused(phase: str) -> None:
    async def own(self: Any, *args: Any) -> None:
        pytest.fail("never called")

    own.__name__ = phase
    script = reaching(phase, type("Own", (Script,), {phase: own}))
    with pytest.raises(TypeError, match=rf"^{phase}\(\) is an async method, but the stage 'build'"):
        script.build()
    assert script.trace[-1] == "> leave"
    assert isinstance(script.host.left["error"], TypeError)


def test_an_async_phase_behind_a_partial_is_known_as_one() -> None:
    async def own(script: Owner, word: str) -> None:
        script.trace.append(word)

    script = AsyncScript(1)
    script.__dict__["_end_stage_build"] = functools.partial(own, script, "partial end")
    in_loop(script.build)
    assert "partial end" in script.phases
    plain = Script(1)
    plain.__dict__["_end_stage_build"] = functools.partial(own, plain, "never")
    with pytest.raises(TypeError, match="is an async method"):
        plain.build()


@pytest.mark.parametrize("phase", [BEGIN, SKIP, PREPARE_RETRY])
def test_what_an_async_phase_raises_is_treated_as_ever(phase: str) -> None:
    async def own(*args: Any) -> None:
        raise LookupError(phase)

    class Sometimes(Owner):
        @stage()
        async def build(self) -> Any:
            return self.body()

    script = reaching(phase, type("Own", (Sometimes,), {phase: own}))
    with pytest.raises(LookupError, match=phase):
        in_loop(script.build)
    assert script.trace[-1] == "> leave"


def test_the_host_may_have_an_async_stage_wait() -> None:
    waited: list[float] = []
    script = AsyncScript(RetryStage(), RetryStage(), 1, limits=attempts(2))

    async def rest(seconds: float) -> None:
        await Yielding()
        waited.append(seconds)

    def wait(seconds: float) -> Awaitable[None]:
        return rest(seconds)

    script.host.wait = wait  # type: ignore[method-assign]
    assert in_loop(script.build) == 1
    assert waited == [2.0, 2.0]


def test_a_plain_stage_cannot_be_made_to_wait_for_an_event_loop() -> None:
    script = Script(RetryStage(), 1, limits=attempts(1))

    async def rest() -> None:
        await Yielding()

    script.host.wait = lambda seconds: rest()  # type: ignore[method-assign]
    with pytest.raises(TypeError, match="returned something to be awaited"):
        script.build()
    assert script.trace.count("> leave") == 1


def test_a_task_that_is_cancelled_ends_its_stage() -> None:
    began = asyncio.Event()

    class Endless(Owner):
        @stage()
        async def build(self) -> None:
            self.trace.append("body")
            began.set()
            await asyncio.Event().wait()

    script = Endless()

    async def main() -> None:
        task = asyncio.create_task(script.build())
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    in_loop(main)
    assert script.phases == ["pre", "begin Building", "body", "end"]
    assert isinstance(script.host.left["error"], asyncio.CancelledError)


def test_two_stages_take_turns_on_one_loop() -> None:
    class Turns(Owner):
        @stage("left", "Left")
        async def left(self) -> None:
            await self.take(3)

        @stage("right", "Right")
        async def right(self) -> None:
            await self.take(3)

        async def take(self, turns: int) -> None:
            for _ in range(turns):
                self.trace.append("turn")
                await asyncio.sleep(0)

    script = Turns()

    async def main() -> None:
        await asyncio.gather(script.left(), script.right())

    in_loop(main)
    assert script.phases[:5] == ["pre", "begin Left", "turn", "pre", "begin Right"]
    assert script.phases.count("turn") == 6
    assert script.phases.count("post") == 2


def test_an_async_stage_of_another_loop_is_not_begun_by_calling_it() -> None:
    script = AsyncScript(1)
    coroutine = script.build()
    assert script.trace == []
    coroutine.close()
    assert script.trace == []

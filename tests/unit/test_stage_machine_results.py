"""Results that are work nobody would do: generators, and whatever was to be awaited."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from liveops.stages.declaration import PHASES
from tests.unit.helpers import in_loop
from tests.unit.stage_owner import Owner, Script, stage
from tests.unit.test_stage_machine_phases import reaching


class Later:
    """Something to wait for that is no coroutine."""

    def __await__(self) -> Iterator[None]:
        raise AssertionError("nobody awaits it")


def numbers() -> Iterator[int]:
    """Never begin."""
    yield 1
    raise AssertionError("nobody iterates over it")


async def later_numbers() -> AsyncIterator[int]:
    """Never begin."""
    yield 1
    raise AssertionError("nobody iterates over it")


async def work() -> None:
    """Never begin."""
    raise AssertionError("nobody awaits it")


class AsyncScript(Owner):
    """An owner of one async stage."""

    @stage()
    async def build(self) -> Any:
        """Build it while others work."""
        await asyncio.sleep(0)
        return self.body()


GENERATORS: list[tuple[Callable[[], Any], str]] = [
    (numbers, r"returned a generator; .*; write it without 'yield'\.$"),
    (lambda: (number for number in [1]), r"returned a generator; .*without 'yield'\.$"),
    (later_numbers, r"returned an async generator; .*; write it without 'yield'\.$"),
]
IDS = ["generator", "generator-expression", "async-generator"]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        *GENERATORS,
        (work, r"returned a coroutine; write it as 'async def'\.$"),
        (Later, r"returned something to be awaited \(Later\); write it as 'async def'\.$"),
    ],
    ids=[*IDS, "coroutine", "awaitable"],
)
def test_a_plain_body_returns_no_work_to_be_done(make: Callable[[], Any], sentence: str) -> None:
    script = Script(make())
    with pytest.raises(TypeError, match=f"^build\\(\\) {sentence}"):
        script.build()
    assert script.phases == ["pre", "begin Building", "body", "end"]
    assert isinstance(script.host.left["error"], TypeError)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        *GENERATORS,
        (work, r"returned a coroutine; await it there\.$"),
        (Later, r"returned something to be awaited \(Later\); await it there\.$"),
    ],
    ids=[*IDS, "coroutine", "awaitable"],
)
def test_an_async_body_returns_no_work_to_be_done(make: Callable[[], Any], sentence: str) -> None:
    script = AsyncScript(make())
    with pytest.raises(TypeError, match=f"^build\\(\\) {sentence}"):
        in_loop(script.build)
    assert script.phases == ["pre", "begin Building", "body", "end"]


@pytest.mark.parametrize("make", [numbers, later_numbers, work, Later], ids=lambda x: x.__name__)
@pytest.mark.parametrize("phase", PHASES)
def test_a_phase_returns_no_work_to_be_done(phase: str, make: Callable[[], Any]) -> None:
    def own(self: Any, *args: Any) -> Any:
        return make()

    own.__name__ = phase
    script = reaching(phase, type("Own", (Script,), {phase: own}))
    with pytest.raises(TypeError, match=rf"^{phase}\(\) returned "):
        script.build()
    assert script.trace[-1] == "> leave"


def test_a_phase_with_a_yield_is_not_taken_for_done() -> None:
    class Checked(Script):
        def _run_pre_stage_actions(self) -> Iterator[None]:
            yield
            raise AssertionError("nobody iterates over it")

    script = Checked("built")
    with pytest.raises(TypeError, match=r"_run_pre_stage_actions\(\) returned a generator"):
        script.build()
    assert script.phases == []


def test_an_async_phase_with_a_yield_is_refused_in_an_async_stage() -> None:
    class Checked(AsyncScript):
        async def _end_stage(self) -> AsyncIterator[None]:
            yield
            raise AssertionError("nobody iterates over it")

    with pytest.raises(TypeError, match=r"_end_stage\(\) returned an async generator"):
        in_loop(Checked("built").build)


def test_a_future_is_no_result() -> None:
    async def main() -> None:
        script = AsyncScript(asyncio.get_running_loop().create_future())
        with pytest.raises(TypeError, match=r"something to be awaited \(_?Future\)"):
            await script.build()

    in_loop(main)


@pytest.mark.parametrize("body", [numbers, later_numbers], ids=["plain", "async"])
def test_a_generator_function_is_no_stage(body: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match=r"^The stage 'Load' is a generator, .* without 'yield'\.$"):
        stage("Load")(body)


@pytest.mark.parametrize(
    "result", [None, iter([1]), [1], range(3), "text"], ids=lambda x: type(x).__name__
)
def test_other_results_pass_through(result: Any) -> None:
    assert Script(result).build() is result
    assert in_loop(AsyncScript(result).build) is result

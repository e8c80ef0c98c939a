"""The stage machine: its phases in their order, and what it tells its host."""

from collections.abc import Callable
from typing import Any

import pytest

from liveops.stages import RetryLimits, RetryStage, Stage, make_stage, stage_of
from tests.unit.stage_owner import Host, Owner, Script, attempts, stage


def test_a_stage_goes_through_its_phases_once() -> None:
    script = Script("built")
    assert script.build() == "built"
    assert script.trace == [
        "> enter build",
        "pre",
        "> limits",
        "> attempt 1 of 1",
        "begin Building",
        "body",
        "end",
        "> attempt over",
        "post",
        "> leave",
    ]
    assert script.host.left == {"skipped": False, "exhausted": None, "error": None}


def test_a_stage_that_is_not_selected_is_skipped_between_the_same_phases() -> None:
    script = Script("never", selected=False)
    assert script.build() is None
    assert script.trace == [
        "> enter build",
        "pre",
        "> limits",
        "> attempt 1 of 1",
        "begin Building",
        "skip",
        "end",
        "> attempt over",
        "post",
        "> leave",
    ]
    assert script.host.left == {"skipped": True, "exhausted": None, "error": None}


def test_a_stage_is_retried_until_its_body_returns() -> None:
    script = Script(RetryStage("one"), RetryStage("two"), "built", limits=attempts(3))
    assert script.build() == "built"
    between = ["> retry after {}", "prepare {}", "> wait 2"]
    attempt = ["> attempt {} of 4", "begin Building", "body", "end", "> attempt over"]
    assert script.trace == [
        *["> enter build", "pre", "> limits"],
        *[entry.format(1) for entry in attempt + between],
        *[entry.format(2) for entry in attempt + between],
        *[entry.format(3) for entry in attempt],
        *["post", "> leave"],
    ]
    assert script.host.left == {"skipped": False, "exhausted": None, "error": None}


@pytest.mark.parametrize("more", [0, 1, 4])
def test_attempts_that_are_used_up_are_handled_before_the_post_actions(more: int) -> None:
    last = RetryStage("the last")
    script = Script(*[RetryStage()] * more, last, limits=attempts(more))
    assert script.build() is None
    assert script.trace.count("body") == script.trace.count("end") == more + 1
    assert script.trace[-6:] == [
        "end",
        "> attempt over",
        "> exhausted",
        f"handle {more + 1}",
        "post",
        "> leave",
    ]
    left = script.host.left
    assert (left["skipped"], left["error"]) == (False, None)
    assert left["exhausted"].last_attempt.exception() is last


def test_arguments_and_return_value_pass_through_every_attempt() -> None:
    seen: list[Any] = []

    class Adding(Owner):
        @stage()
        def add(self, first: int, *rest: int, sign: int = 1) -> int:
            seen.append((first, rest, sign))
            if len(seen) == 1:
                raise RetryStage
            return sign * (first + sum(rest))

    assert Adding(limits=attempts(1)).add(1, 2, 3, sign=-1) == -6
    assert seen == [(1, (2, 3), -1)] * 2


def test_the_method_keeps_its_name_and_its_docstring() -> None:
    method = Script.build
    assert (method.__name__, method.__doc__) == ("build", "Build it.")
    assert method.__qualname__ == "Script.build"
    assert stage_of(method) == Stage("build", "Building")


def test_only_a_method_can_be_a_stage() -> None:
    body: Any = "build"
    with pytest.raises(TypeError, match="The stage 'build' must be a method; got 'build'"):
        make_stage(Stage("build", ""), body, lambda owner: owner.host)


def test_each_passage_has_a_host_of_its_own() -> None:
    asked: list[Any] = []

    def host_of(owner: Any) -> Host:
        asked.append(owner)
        return Host(owner.trace, selected=True, limits=RetryLimits())

    owner = Owner("done")
    method = make_stage(Stage("build", ""), Owner.body, host_of)
    assert method(owner) == method(owner) == "done"
    assert asked == [owner, owner]


def test_a_host_that_refuses_to_enter_is_not_left() -> None:
    script = Script("never")
    script.host.entering = KeyError("no")
    with pytest.raises(KeyError):
        script.build()
    assert script.trace == ["> enter build"]


def test_what_the_host_raises_on_leaving_goes_to_the_caller() -> None:
    script = Script(RetryStage())
    script.host.leaving = LookupError("exhausted")
    with pytest.raises(LookupError, match="exhausted"):
        script.build()
    assert script.trace.count("> leave") == 1
    assert script.phases == ["pre", "begin Building", "body", "end", "handle 1", "post"]


def test_the_host_calls_plain_phases_and_bodies() -> None:
    called: list[str] = []
    script = Script("built")

    def call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        called.append(function.__name__)
        return function(*args, **kwargs)

    script.host.call = call  # type: ignore[method-assign]
    script.build()
    names = ["_run_pre_stage_actions", "_begin_stage", "build", "_end_stage"]
    assert called == [*names, "_run_post_stage_actions"]


def test_whether_to_skip_is_asked_in_each_attempt_after_it_began() -> None:
    class Wavering(Script):
        def _begin_stage(self, heading: str) -> None:
            super()._begin_stage(heading)
            self.host.selected = not self.host.selected

    script = Wavering(RetryStage(), selected=False, limits=attempts(1))
    assert script.build() is None
    assert [p for p in script.phases if p in ("body", "skip")] == ["body", "skip"]
    assert script.host.left["skipped"]
    assert script.host.left["exhausted"] is None


def test_an_attempt_that_is_skipped_after_one_that_was_not_returns_nothing() -> None:
    class Once(Script):
        def _end_stage(self) -> None:
            super()._end_stage()
            if self.host.selected:
                self.host.selected = False
                raise RetryStage

    script = Once("built", limits=attempts(1))
    assert script.build() is None
    assert script.phases.count("body") == script.phases.count("skip") == 1


def test_stages_may_be_nested() -> None:
    class Nested(Owner):
        @stage("outer", "Outside")
        def outer(self) -> Any:
            return self.inner() + 1

        @stage("inner", "Inside")
        def inner(self) -> Any:
            return self.body()

        def _end_stage_outer(self) -> None:
            self.trace.append("end of outer")

    script = Nested(RetryStage(), 41, limits=attempts(1))
    assert script.outer() == 42
    assert script.phases == [
        *["pre", "begin Outside"],
        *["pre", "begin Inside", "body", "end", "prepare 1", "begin Inside", "body", "end", "post"],
        *["end of outer", "post"],
    ]


def test_a_stage_may_call_itself() -> None:
    class Countdown(Owner):
        @stage()
        def count(self, number: int) -> list[int]:
            rest: list[int] = self.count(number - 1) if number else []
            return [number, *rest]

    script = Countdown()
    assert script.count(2) == [2, 1, 0]
    assert script.phases == [*["pre", "begin Building"] * 3, *["end", "post"] * 3]

"""What is raised in a stage: which phases still run, what is retried, and what the caller gets."""

from asyncio import CancelledError
from collections.abc import Iterator
from typing import Any

import pytest
from tenacity import Future, RetryError, Retrying, TryAgain

from liveops.exceptions import OperationCancelled
from liveops.stages import RetryStage
from liveops.stages.declaration import BEGIN, END, POST, PRE, PREPARE_RETRY, RETRY_ERROR, SKIP
from tests.unit.stage_owner import Owner, Script, attempts, stage

BEFORE = ["pre"]
FIRST = [*BEFORE, "begin Building", "body", "end"]


def raising(script: Owner, phase: str, *errors: BaseException | None) -> Any:
    """Have a phase raise: one error for each time it is carried out, None for no error."""
    left = list(errors)

    def method(*args: Any) -> None:
        script.trace.append(f"raising {phase}")
        error = left.pop(0) if left else None
        if error is not None:
            raise error

    setattr(script, f"{phase}_build", method)
    return script


@pytest.mark.parametrize(
    ("phase", "phases"),
    [
        (PRE, ["raising"]),
        (BEGIN, ["pre", "raising"]),
        (END, ["pre", "begin Building", "body", "raising"]),
        (POST, [*FIRST, "raising"]),
    ],
)
@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), OperationCancelled()])
def test_an_error_in_a_phase_ends_the_stage(
    phase: str, phases: list[str], error: BaseException
) -> None:
    script = raising(Script("built", limits=attempts(3)), phase, error)
    with pytest.raises(type(error)) as caught:
        script.build()
    assert caught.value is error
    assert [p.replace(f" {phase}", "") for p in script.phases] == phases
    assert script.host.left == {"skipped": False, "exhausted": None, "error": error}
    assert script.trace.count("> attempt over") == len(
        [entry for entry in script.trace if entry.startswith("> attempt ") and " of " in entry]
    )


def test_an_error_while_a_stage_is_skipped_leaves_out_the_end() -> None:
    error = ValueError("no")
    script = raising(Script("never", selected=False), SKIP, error)
    with pytest.raises(ValueError, match="no"):
        script.build()
    assert script.phases == ["pre", "begin Building", f"raising {SKIP}"]
    assert script.host.left == {"skipped": True, "exhausted": None, "error": error}


@pytest.mark.parametrize("error", [ValueError("no"), RetryStage("again"), KeyboardInterrupt()])
def test_an_error_while_a_retry_is_prepared_ends_the_stage(error: BaseException) -> None:
    script = raising(Script(RetryStage(), limits=attempts(3)), PREPARE_RETRY, error)
    with pytest.raises(type(error)):
        script.build()
    assert script.phases == [*FIRST, f"raising {PREPARE_RETRY}"]
    assert script.trace[-3:] == ["> retry after 1", f"raising {PREPARE_RETRY}", "> leave"]
    assert script.host.left == {"skipped": False, "exhausted": None, "error": error}


@pytest.mark.parametrize("error", [ValueError("no"), RetryStage("again"), KeyboardInterrupt()])
def test_an_error_of_the_handler_leaves_out_the_post_actions(error: BaseException) -> None:
    script = raising(Script(RetryStage()), RETRY_ERROR, error)
    with pytest.raises(type(error)):
        script.build()
    assert script.phases == [*FIRST, f"raising {RETRY_ERROR}"]
    assert script.host.left["error"] is error
    assert script.host.left["exhausted"] is not None


@pytest.mark.parametrize("phase", [BEGIN, SKIP, END])
def test_retry_stage_is_heard_in_every_phase_of_an_attempt(phase: str) -> None:
    first = Script("built", selected=phase != SKIP, limits=attempts(1))
    script = raising(first, phase, RetryStage("again"), None)
    assert script.build() == (None if phase == SKIP else "built")
    assert script.phases.count(f"raising {phase}") == 2
    assert script.phases.count("prepare 1") == 1
    assert script.phases[-1] == "post"


@pytest.mark.parametrize("phase", [BEGIN, SKIP, END])
def test_retry_stage_in_a_phase_uses_up_attempts_as_one_of_the_body(phase: str) -> None:
    errors = [RetryStage() for _ in range(9)]
    script = Script("built", selected=phase != SKIP, limits=attempts(2))
    raising(script, phase, *errors)
    assert script.build() is None
    assert script.phases.count(f"raising {phase}") == 3
    assert script.phases[-2:] == ["handle 3", "post"]
    assert script.host.left["exhausted"].last_attempt.exception() is errors[2]


@pytest.mark.parametrize("phase", [PRE, POST])
def test_retry_stage_outside_an_attempt_just_goes_on(phase: str) -> None:
    script = raising(Script("built", limits=attempts(3)), phase, RetryStage("too far"))
    with pytest.raises(RetryStage, match="too far"):
        script.build()
    assert script.phases.count("body") == (phase == POST)
    assert script.host.left["exhausted"] is None


def test_an_exception_of_the_body_is_not_retried_and_the_end_still_runs() -> None:
    script = Script(ValueError("no"), limits=attempts(3))
    with pytest.raises(ValueError, match="no"):
        script.build()
    assert script.phases == FIRST
    assert isinstance(script.host.left["error"], ValueError)


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), SystemExit(3), OperationCancelled(), CancelledError()]
)
@pytest.mark.parametrize("ending", [BaseException, Exception])
def test_after_which_errors_the_end_runs_is_for_the_host_to_say(
    error: BaseException, ending: type[BaseException]
) -> None:
    script = Script(error, limits=attempts(3))
    script.host.ending_errors = ending
    with pytest.raises(type(error)) as caught:
        script.build()
    assert caught.value is error
    assert script.phases == ["pre", "begin Building", "body", *["end"] * (ending is BaseException)]
    assert script.trace[-2:] == ["> attempt over", "> leave"]


def test_the_error_of_the_end_goes_before_that_of_the_body() -> None:
    script = raising(Script(ValueError("body")), END, LookupError("end"))
    with pytest.raises(LookupError, match="end") as caught:
        script.build()
    assert isinstance(caught.value.__context__, ValueError)
    assert script.phases.count(f"raising {END}") == 1


def test_an_end_that_raises_takes_the_retry_that_the_body_asked_for() -> None:
    script = raising(Script(RetryStage("body"), limits=attempts(3)), END, LookupError("end"))
    with pytest.raises(LookupError, match="end"):
        script.build()
    assert script.phases.count("body") == 1


def test_an_end_that_asks_for_a_retry_overrides_the_error_of_the_body() -> None:
    script = raising(Script(ValueError("body"), "built", limits=attempts(1)), END, RetryStage())
    assert script.build() == "built"
    assert script.phases.count("body") == 2


def test_body_and_end_that_both_ask_for_a_retry_are_one_attempt() -> None:
    script = Script(RetryStage("body"), limits=attempts(1))
    raising(script, END, RetryStage("end"), RetryStage("last end"))
    assert script.build() is None
    assert script.phases.count("body") == 2
    assert script.phases.count("prepare 1") == 1
    assert str(script.host.left["exhausted"].last_attempt.exception()) == "last end"


def test_an_exception_after_some_retries_ends_the_stage() -> None:
    script = Script(RetryStage(), ValueError("no"), "never", limits=attempts(5))
    with pytest.raises(ValueError, match="no"):
        script.build()
    assert script.phases.count("body") == script.phases.count("end") == 2
    assert script.host.left["exhausted"] is None


def test_tenacitys_own_try_again_asks_for_a_retry_as_well() -> None:
    script = Script(TryAgain(), "built", limits=attempts(1))
    assert script.build() == "built"


def retry_error() -> RetryError:
    """Return an error as other uses of tenacity leave it."""
    attempt: Future = Future(1)
    attempt.set_exception(OSError("the disk"))
    return RetryError(attempt)


def test_a_retry_error_of_user_code_is_an_error_like_another() -> None:
    error = retry_error()
    script = Script(error, limits=attempts(3))
    with pytest.raises(RetryError) as caught:
        script.build()
    assert caught.value is error
    assert script.phases == FIRST
    assert script.host.left == {"skipped": False, "exhausted": None, "error": error}


def test_a_retry_error_of_user_code_counts_as_the_stages_own_where_the_host_says_so() -> None:
    error = retry_error()
    script = Script(error, limits=attempts(3))
    script.host.forgives_retry_errors = True
    assert script.build() is None
    assert script.phases == [*FIRST, "handle 1", "post"]
    assert script.host.left == {"skipped": False, "exhausted": error, "error": None}


def test_a_retry_error_outside_the_attempts_is_never_forgiven() -> None:
    script = raising(Script("built"), POST, retry_error())
    script.host.forgives_retry_errors = True
    with pytest.raises(RetryError):
        script.build()
    assert "handle 1" not in script.phases


def test_a_retry_error_of_an_inner_stage_does_not_reach_the_outer_one() -> None:
    class Nested(Owner):
        @stage("outer", "Outside")
        def outer(self) -> Any:
            self.inner()
            return "out"

        @stage("inner", "Inside")
        def inner(self) -> Any:
            return self.body()

    script = Nested(RetryStage(), limits=attempts(1))
    assert script.outer() == "out"
    assert script.phases.count("body") == 2
    assert script.phases.count("handle 2") == 1


@pytest.mark.parametrize("phase", [PRE, BEGIN, END, POST])
def test_a_stop_iteration_of_a_phase_reaches_the_caller(phase: str) -> None:
    error = StopIteration("over")
    script = raising(Script("built"), phase, error)
    with pytest.raises(StopIteration) as caught:
        script.build()
    assert caught.value is error


def test_a_stop_iteration_of_the_body_reaches_the_caller_after_the_end() -> None:
    class Reading(Owner):
        @stage()
        def build(self) -> Any:
            self.trace.append("body")
            return next(iter(()))

    script = Reading()
    with pytest.raises(StopIteration):
        script.build()
    assert script.phases == FIRST


def test_a_generator_that_broke_is_told_apart_from_a_stop_iteration() -> None:
    def broken() -> Iterator[int]:
        yield next(iter(()))

    class Reading(Owner):
        @stage()
        def build(self) -> list[int]:
            return list(broken())

    with pytest.raises(RuntimeError, match="generator raised StopIteration"):
        Reading().build()


def test_the_handler_may_raise_the_error_of_the_last_attempt() -> None:
    last = RetryStage("the last")

    class Strict(Script):
        def _handle_stage_retry_error(self, retry: Retrying) -> None:
            raise last

    with pytest.raises(RetryStage, match="the last") as caught:
        Strict(last).build()
    assert isinstance(caught.value.__context__, RetryError)


def test_a_coroutine_that_a_plain_method_returns_is_not_taken_for_its_work() -> None:
    async def work() -> None:
        raise AssertionError("nobody awaits it")

    script = Script(work())
    with pytest.raises(TypeError, match="returned a coroutine; write it as 'async def'"):
        script.build()
    assert script.phases == FIRST

"""The limits of retrying, where they come from, and what tenacity makes of them."""

import threading
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tenacity import RetryCallState, RetryError, TryAgain

from liveops.exceptions import OperationCancelled
from liveops.progress import waiting
from liveops.stages import RetryLimits, RetryStage, limits_for
from liveops.stages.retrying import StageRetrying
from tests.unit.helpers import in_loop


def failed(state: RetryCallState, error: BaseException | None = None) -> RetryCallState:
    """Note in a state that its attempt asked for another one."""
    error = error or RetryStage()
    state.set_exception((type(error), error, None))
    return state


def begun(limits: RetryLimits) -> tuple[StageRetrying, RetryCallState]:
    """Return tenacity's controller and its state before the first attempt."""
    retrying = StageRetrying(limits)
    retrying.begin()
    return retrying, RetryCallState(retrying, None, (), {})


def test_without_limits_there_is_one_attempt() -> None:
    limits = RetryLimits()
    assert (limits.attempts, limits.delay, limits.timeout) == (0, 0.0, None)
    assert limits.tries == 1


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"attempts": -1}, "retry_attempts must be 0 or more; got -1"),
        ({"delay": -0.1}, "retry_delay must be 0 or more; got -0.1"),
        ({"delay": float("nan")}, "retry_delay must be a finite number; got nan"),
        ({"delay": float("inf")}, "retry_delay must be a finite number; got inf"),
        ({"timeout": -60}, "retry_timeout must be 0 or more; got -60"),
        ({"timeout": float("inf")}, "retry_timeout must be a finite number; got inf"),
        ({"attempts": Decimal(-1)}, r"retry_attempts must be 0 or more; got Decimal\('-1'\)"),
        ({"attempts": -2.0}, "retry_attempts must be 0 or more; got -2.0"),
        ({"delay": Decimal("-0.5")}, r"retry_delay must be 0 or more; got Decimal\('-0.5'\)"),
        ({"delay": Decimal("sNaN")}, r"retry_delay must be a finite number; got Decimal\('sNaN'\)"),
        ({"timeout": Decimal("1e999")}, "retry_timeout must be a finite number; got .*"),
        ({"timeout": 10**400}, "retry_timeout must be a finite number; got 10+"),
    ],
)
def test_a_number_that_cannot_be_a_limit_is_refused(values: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}.$"):
        RetryLimits(**values)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"attempts": True}, "retry_attempts must be a whole number; got True"),
        ({"attempts": 1.5}, "retry_attempts must be a whole number; got 1.5"),
        ({"attempts": Decimal("1.5")}, r"retry_attempts must be a whole number; got Decimal\(.*\)"),
        ({"attempts": float("inf")}, "retry_attempts must be a whole number; got inf"),
        ({"attempts": float("nan")}, "retry_attempts must be a whole number; got nan"),
        (
            {"attempts": Decimal("sNaN")},
            r"retry_attempts must be a whole number; got Decimal\(.*\)",
        ),
        ({"attempts": "3"}, "retry_attempts must be a whole number; got '3'"),
        ({"attempts": None}, "retry_attempts must be a whole number; got None"),
        ({"delay": "1"}, "retry_delay must be a number; got '1'"),
        ({"delay": None}, "retry_delay must be a number; got None"),
        ({"delay": False}, "retry_delay must be a number; got False"),
        ({"delay": Fraction(1)}, r"retry_delay must be a number; got Fraction\(1, 1\)"),
        ({"timeout": "60"}, "retry_timeout must be a number; got '60'"),
    ],
)
def test_what_is_no_number_is_refused(values: Any, sentence: str) -> None:
    with pytest.raises(TypeError, match=f"^{sentence}.$"):
        RetryLimits(**values)


@pytest.mark.parametrize("attempts", [2, 2.0, Decimal(2), Decimal("2.00")], ids=repr)
def test_a_whole_number_of_any_kind_is_a_number_of_attempts(attempts: Any) -> None:
    limits = RetryLimits(attempts)
    assert limits == RetryLimits(2)
    assert type(limits.attempts) is int
    assert limits.tries == 3


def test_seconds_may_be_decimals_and_are_kept_as_floats() -> None:
    limits = RetryLimits(1, Decimal("0.5"), Decimal(60))  # type: ignore[arg-type]
    assert limits == RetryLimits(1, 0.5, 60.0)
    assert (type(limits.delay), type(limits.timeout)) == (float, float)
    retrying, state = begun(limits)
    assert retrying.pause_after(failed(state)) == 0.5


def test_an_owners_attributes_go_before_what_was_declared() -> None:
    class Owner:
        build_retry_attempts = 4
        build_retry_delay = None
        test_retry_delay = 9.0

        @property
        def build_retry_timeout(self) -> float:
            return 1.5

    declared = RetryLimits(1, 2.0, 3.0)
    assert limits_for(Owner(), "build", declared) == RetryLimits(4, 2.0, 1.5)
    assert limits_for(Owner(), "test", declared) == RetryLimits(1, 9.0, 3.0)
    assert limits_for(object(), "build", declared) == declared


def test_zero_is_a_limit_of_its_own() -> None:
    class Owner:
        build_retry_attempts = 0
        build_retry_timeout = 0

    assert limits_for(Owner(), "build", RetryLimits(5, 2.0, 60)) == RetryLimits(0, 2.0, 0)


def test_an_attribute_that_cannot_be_a_limit_is_refused() -> None:
    class Owner:
        build_retry_attempts = "3"

        test_retry_delay = Decimal("NaN")

    with pytest.raises(
        TypeError, match=r"^build_retry_attempts must be a whole number; got '3'\.$"
    ):
        limits_for(Owner(), "build", RetryLimits())
    with pytest.raises(ValueError, match=r"^test_retry_delay must be a finite number; got "):
        limits_for(Owner(), "test", RetryLimits())


def test_attributes_are_kept_as_what_limits_are() -> None:
    class Owner:
        build_retry_attempts = 2.0
        build_retry_delay = Decimal("0.5")

    limits = limits_for(Owner(), "build", RetryLimits(timeout=9))
    assert limits == RetryLimits(2, 0.5, 9)
    assert (type(limits.attempts), type(limits.delay)) == (int, float)


def test_retry_stage_is_what_tenacity_listens_to() -> None:
    assert issubclass(RetryStage, TryAgain)
    assert str(RetryStage("database is locked")) == "database is locked"


@given(more=st.integers(0, 6), delay=st.floats(0, 1e6))
def test_there_are_as_many_pauses_as_attempts(more: int, delay: float) -> None:
    retrying, state = begun(RetryLimits(more, delay))
    for number in range(1, more + 1):
        assert state.attempt_number == number
        assert retrying.pause_after(failed(state)) == delay
        assert state.upcoming_sleep == delay
        state.prepare_for_next_attempt()
    with pytest.raises(RetryError) as caught:
        retrying.pause_after(failed(state, error := RetryStage("last")))
    assert caught.value.last_attempt.exception() is error
    assert retrying.statistics["attempt_number"] == more + 1
    assert retrying.statistics["idle_for"] == pytest.approx(more * delay)


def test_the_time_is_counted_from_the_beginning_of_the_first_attempt() -> None:
    retrying, state = begun(RetryLimits(attempts=9, timeout=60))
    retrying.pause_after(failed(state))
    state.prepare_for_next_attempt()
    state.start_time -= 59
    retrying.pause_after(failed(state))
    state.prepare_for_next_attempt()
    state.start_time -= 1
    with pytest.raises(RetryError):
        retrying.pause_after(failed(state))
    assert retrying.statistics["attempt_number"] == 3
    assert retrying.statistics["delay_since_first_attempt"] >= 60


def test_without_a_timeout_time_does_not_count() -> None:
    retrying, state = begun(RetryLimits(attempts=1))
    state.start_time -= 1e9
    assert retrying.pause_after(failed(state)) == 0.0


def test_a_timeout_of_zero_allows_no_second_attempt() -> None:
    retrying, state = begun(RetryLimits(attempts=9, timeout=0))
    with pytest.raises(RetryError):
        retrying.pause_after(failed(state))


def test_a_delay_is_not_shortened_to_fit_the_timeout() -> None:
    retrying, state = begun(RetryLimits(attempts=1, delay=1000.0, timeout=60))
    assert retrying.pause_after(failed(state)) == 1000.0


def test_the_statistics_are_the_same_in_every_thread() -> None:
    retrying, state = begun(RetryLimits(attempts=2, delay=1.0))
    seen: list[Any] = []

    def work() -> None:
        retrying.pause_after(failed(state))
        seen.append(retrying.statistics)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [retrying.statistics]
    assert retrying.statistics["attempt_number"] == 2


def test_two_controllers_count_apart() -> None:
    one, state = begun(RetryLimits(attempts=2))
    two, _ = begun(RetryLimits(attempts=2))
    one.pause_after(failed(state))
    assert (one.statistics["attempt_number"], two.statistics["attempt_number"]) == (2, 1)


# Waiting for longer than the system can wait at once.


class Served:
    """As much of a run as waiting asks for; it is cancelled after some pulses."""

    is_polled = True
    stop = None

    def __init__(self) -> None:
        self.pulses = 0

    def pulse(self) -> None:
        self.pulses += 1

    def passes_over(self, seconds: float) -> bool:
        return False

    def raise_stop(self) -> None:
        """Raise nothing: the run goes on."""

    def raise_newer_stop(self, before: object) -> None:
        if self.pulses == 4:
            raise OperationCancelled

    def on_stop(self, ring: Any) -> Any:
        return lambda: None


@pytest.mark.parametrize("seconds", [1e11, 1e308])
def test_a_long_delay_is_waited_for_in_slices(
    monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    assert waiting.LONGEST_SECONDS <= threading.TIMEOUT_MAX
    monkeypatch.setattr(waiting, "LONGEST_SECONDS", 0.001)
    run: Any = Served()
    with pytest.raises(OperationCancelled):
        waiting.wait(run, seconds)
    assert run.pulses == 4
    in_turn: Any = Served()
    with pytest.raises(OperationCancelled):
        in_loop(lambda: waiting.wait_async(in_turn, seconds))
    assert in_turn.pulses == 4

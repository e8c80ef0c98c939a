"""What interrupts the stop of a command: it is killed at once, and a SystemExit is never lost."""

import signal
from collections.abc import Iterator

import pytest

from liveops.commands import group
from liveops.exceptions import OperationCancelled
from tests.unit.commands import FOREVER, Watcher, fail, is_gone, python
from tests.unit.helpers import Clock
from tests.unit.test_command_stopping import TALKING


class OddSignal(BaseException):
    """What a signal handler of the project may raise."""


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


@pytest.mark.parametrize(
    "first",
    [OperationCancelled(), KeyboardInterrupt(), SystemExit(1), ZeroDivisionError("odd")],
    ids=lambda error: type(error).__name__,
)
def test_a_system_exit_ends_the_grace_period_and_is_raised(
    watcher: Watcher, first: BaseException
) -> None:
    last = SystemExit(143)
    watcher.reactions = {"child": fail(first), "asked": fail(last)}
    with pytest.raises(SystemExit) as caught:
        watcher.run(python(TALKING), grace=FOREVER)
    assert caught.value is last
    assert caught.value.__cause__ is first
    assert is_gone(watcher.pid("child"))


def test_the_latest_system_exit_is_raised(watcher: Watcher) -> None:
    last = SystemExit(2)
    watcher.reactions = {
        "child": fail(OperationCancelled()),
        "asked": fail(SystemExit(1)),
        "and more": fail(last),
    }
    with pytest.raises(SystemExit) as caught:
        watcher.run(python(TALKING), grace=FOREVER)
    assert caught.value is last


@pytest.mark.parametrize("first", [OperationCancelled(), SystemExit(143)], ids=["stop", "exit"])
def test_a_ctrl_c_does_not_replace_a_system_exit(watcher: Watcher, first: BaseException) -> None:
    watcher.reactions = {"child": fail(first), "asked": fail(SystemExit(143))}
    if isinstance(first, SystemExit):
        watcher.reactions["asked"] = fail(KeyboardInterrupt())
    else:
        watcher.reactions["and more"] = fail(KeyboardInterrupt())
    with pytest.raises(SystemExit, match="143"):
        watcher.run(python(TALKING), grace=FOREVER)
    assert is_gone(watcher.pid("child"))


def test_the_same_system_exit_twice_is_no_cause_of_itself(watcher: Watcher) -> None:
    error = SystemExit(143)
    watcher.reactions = {"child": fail(error), "asked": fail(error)}
    with pytest.raises(SystemExit) as caught:
        watcher.run(python(TALKING), grace=FOREVER)
    assert caught.value is error
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "error",
    [KeyboardInterrupt(), SystemExit(143), OddSignal(), ZeroDivisionError("odd")],
    ids=lambda error: type(error).__name__,
)
def test_nothing_outlives_an_error_of_what_says_the_grace(
    watcher: Watcher, error: BaseException
) -> None:
    watcher.reactions = {"child": fail(OSError("full"))}
    with pytest.raises(type(error)) as caught:
        watcher.run(python(TALKING), grace_for=lambda _: fail(error)())
    assert caught.value is error
    assert is_gone(watcher.pid("child"))


@pytest.mark.parametrize("error", [OddSignal(), MemoryError()], ids=["signal", "memory"])
def test_whatever_interrupts_the_wait_the_group_is_killed_first(
    watcher: Watcher, error: BaseException
) -> None:
    class Odd(Clock):
        armed = False

        def __call__(self) -> float:
            if self.armed:
                self.armed = False
                raise error
            return super().__call__()

    clock = Odd()

    def arm(_: BaseException) -> float:
        clock.armed = True
        return FOREVER

    watcher.reactions = {"child": fail(OperationCancelled())}
    with pytest.raises(type(error)):
        watcher.run(python(TALKING), grace_for=arm, clock=clock)
    assert is_gone(watcher.pid("child"))


def test_a_second_signal_while_the_first_is_dealt_with_does_not_spare_the_group(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = group.send
    due: Iterator[BaseException] = iter([SystemExit(143)])

    def interrupted(number: int, what: int) -> None:
        if what == signal.SIGKILL and (error := next(due, None)) is not None:
            raise error
        send(number, what)

    monkeypatch.setattr(group, "send", interrupted)
    watcher.reactions = {"child": fail(OperationCancelled()), "asked": fail(KeyboardInterrupt())}
    with pytest.raises(SystemExit, match="143"):
        watcher.run(python(TALKING), grace=FOREVER)
    assert is_gone(watcher.pid("child"))

"""Scenarios made into classes, on whatever base is to be tested."""

import types
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

from tenacity import Future, RetryCallState, RetryError, Retrying, TryAgain

from tests.conformance.scenario import (
    BEGIN,
    PHASES,
    PREPARE_RETRY,
    RETRY_ERROR,
    Act,
    Below,
    Method,
    Place,
    Scenario,
    Staged,
    Style,
)
from tests.conformance.trace import look_of

Call = Callable[..., Any]

_MODULE = "tests.conformance.made"  # not this one, where their source would be looked for in vain


class Recorder(Protocol):
    """What a scenario tells, and what it does to the instance that it is played on."""

    @property
    def retry_stage(self) -> type[TryAgain]:
        """The exception that asks for a retry."""

    def note(self, what: str, *details: Any) -> None:
        """Take an event."""

    def default(self, phase: str, method: Callable[[], None]) -> None:
        """Call the default method of a phase."""

    def change(self, act: Act) -> None:
        """Change what the act changes on the instance."""


class Builder:
    """Builds one scenario.

    Args:
        scenario: what to build.
        recorder: is told what happens.
        base: the class to build on.
        decorate: makes a function a stage of that base.
    """

    def __init__(
        self,
        scenario: Scenario,
        recorder: Recorder,
        base: type,
        decorate: Callable[[Staged, Call], Call],
    ) -> None:
        self._scenario = scenario
        self._recorder = recorder
        self._base = base
        self._decorate = decorate
        self._calls: Counter[str] = Counter()
        self._owners: dict[Place, type] = {}

    def build(self, name: str, **more: Any) -> type:
        """Return the class; ``more`` goes into its body."""
        here = {"__module__": _MODULE}
        defaults = type("Defaults", (), here | {phase: self._default(phase) for phase in PHASES})
        mixin = type("Mixin", (), here | self._members(Place.MIXIN))
        body = here | self._members(Place.CLASS) | more
        built = types.new_class(
            name, (mixin, defaults, self._base), exec_body=lambda namespace: namespace.update(body)
        )
        self._defaults = defaults
        self._owners = {Place.MIXIN: mixin, Place.CLASS: built}
        return built

    def dress(self, instance: Any) -> None:
        """Give an instance the methods that are its own."""
        for method in self._scenario.methods:
            if method.place is Place.INSTANCE:
                setattr(instance, method.name, types.MethodType(self._method(method), instance))

    def _members(self, place: Place) -> dict[str, Any]:
        members: dict[str, Any] = {
            stage.method: self._decorate(stage, self._body(stage))
            for stage in self._scenario.stages
            if stage.place is place
        }
        for method in self._scenario.methods:
            if method.place is place:
                nothing = method.style is Style.NONE
                members[method.name] = None if nothing else self._method(method)
        return members

    def _body(self, stage: Staged) -> Call:
        name = f"body of {stage.name}"

        def body(instance: Any, *args: Any, **kwargs: Any) -> str:
            self._recorder.note(name, args, kwargs)
            return f"{stage.name} {self._act(name, stage.acts)}"

        return body

    def _default(self, phase: str) -> Call:
        def default(instance: Any, *args: Any) -> None:
            self._recorder.note(f"default {phase}", *_comparable(phase, args))
            inherited = getattr(super(self._defaults, instance), phase)
            self._recorder.default(phase, lambda: inherited(*args))

        return default

    def _method(self, method: Method) -> Call:
        def below(instance: Any, *args: Any) -> None:
            if method.below is Below.GENERAL:
                getattr(instance, method.phase)(*args)
            else:
                getattr(super(self._owners[method.place], instance), method.phase)(*args)

        def carry_out(instance: Any, *args: Any) -> None:
            self._recorder.note(method.name, *_comparable(method.phase, args))
            if method.style is Style.CALLS_FIRST:
                below(instance, *args)
            self._act(method.name, method.acts)
            if method.style is Style.CALLS_LAST:
                below(instance, *args)

        return carry_out

    def _act(self, name: str, acts: tuple[Act, ...]) -> int:
        """Do what is next for a method; return how often it was called."""
        self._calls[name] += 1
        number = self._calls[name]
        if number <= len(acts):
            act = acts[number - 1]
            self._recorder.change(act)
            if act.error is not None:
                self._raise(act.error, f"{name} {number}")
        return number

    def _raise(self, error: str, text: str) -> None:
        if error == "RetryStage":
            raise self._recorder.retry_stage(text)
        if error == "RetryError":
            raise RetryError(Future.construct(1, ValueError(text), has_exception=True))
        if error == "RuntimeError":
            raise RuntimeError(text) from StopIteration("a generator's")
        raise _TYPES[error](text)


_TYPES: dict[str, type[BaseException]] = {
    kind.__name__: kind
    for kind in (
        ValueError,
        OSError,
        StopIteration,
        TryAgain,
        KeyboardInterrupt,
        SystemExit,
        GeneratorExit,
    )
}


def _comparable(phase: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the arguments of a phase in a form that can be compared."""
    if phase == BEGIN:
        return args
    if phase == PREPARE_RETRY:
        return _of_state(*args)
    if phase == RETRY_ERROR:
        return _of_controller(*args)
    assert not args
    return ()


def _of_state(state: RetryCallState) -> tuple[Any, ...]:
    assert state.outcome is not None
    error = state.outcome.exception()
    assert error is not None
    assert state.next_action is not None
    assert state.next_action.sleep == state.upcoming_sleep
    assert state.outcome.attempt_number == state.attempt_number
    seen = state.retry_object.statistics
    assert seen["idle_for"] == state.idle_for
    return (
        state.attempt_number,
        look_of(error),
        state.upcoming_sleep,
        round(state.idle_for, 6),
        state.args[1:],  # the first one is the script
        state.kwargs,
        seen["attempt_number"],
    )


def _of_controller(retrying: Retrying) -> tuple[Any, ...]:
    assert isinstance(retrying, Retrying)
    seen = retrying.statistics
    assert seen.get("delay_since_first_attempt", 0) >= 0  # tenacity 9.0 counts it later
    return seen["attempt_number"], round(seen["idle_for"], 6)

"""The stage machine: the phases of a stage in their order, for plain and for ``async`` stages.

It is written once, as a coroutine. Nothing in it is awaited unless the stage's body or one of its
phases is ``async``, so a plain stage is driven to its end by a single step.
"""

import functools
import inspect
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar, cast

from liveops.stages.checkpoints import Checkpoint
from liveops.stages.declaration import (
    BEGIN,
    END,
    POST,
    PRE,
    PREPARE_RETRY,
    RETRY_ERROR,
    SKIP,
    Stage,
    mark,
    phase_method,
)
from liveops.stages.limits import RetryLimits

if TYPE_CHECKING:
    from liveops.stages.retrying import RetryCallState, RetryError, StageRetrying

T = TypeVar("T")
Body = TypeVar("Body", bound=Callable[..., Any])


def _retrying() -> Any:
    """Return the module that needs tenacity, which is loaded when the first stage runs."""
    return import_module("liveops.stages.retrying")


class _EscapedError(Exception):
    """Carries a StopIteration of a plain method out of the coroutine, which it may not leave."""


class StageHost(ABC):
    """What the machine asks and tells about one passage through a stage.

    What it tells may be ignored; what it asks has to be answered.

    Attributes:
        ending_errors: after which exceptions of the body the end-stage actions run.
        forgives_retry_errors: whether a RetryError that user code raised counts as the stage's own.
    """

    ending_errors: type[BaseException] = BaseException
    forgives_retry_errors = False

    def checkpoint(self, stage: Stage) -> Checkpoint | None:
        """Return what the stage did before, to pass by it now; None to carry it out."""
        return None

    @abstractmethod
    def selects(self, stage: Stage) -> bool:
        """Return whether the stage is to be run; asked once for each attempt."""

    @abstractmethod
    def limits(self, stage: Stage) -> RetryLimits:
        """Return the limits of retrying; asked after the pre-stage actions."""

    @abstractmethod
    def wait(self, seconds: float) -> Awaitable[None] | None:
        """Wait between two attempts; an awaitable is awaited."""

    def enter(self, stage: Stage) -> None:
        """Note that the stage is entered, before its first phase."""

    def begin_attempt(self, number: int, limits: RetryLimits) -> None:
        """Note that an attempt begins; the first has the number 1."""

    def end_attempt(self) -> None:
        """Note that the attempt ended, whatever its outcome."""

    def retry(self, state: "RetryCallState") -> None:
        """Note that the attempt failed and that there will be another one."""

    def exhaust(self, error: "RetryError") -> None:
        """Note that there will be no other attempt, before this is handled."""

    def keep(self, stage: Stage, result: Any) -> None:
        """Note what the body returned; an exception makes the stage fail.

        Told after the last attempt, before the post-stage actions; not of a stage that was
        skipped or whose attempts were used up.
        """

    def leave(
        self, *, skipped: bool, exhausted: "RetryError | None", error: BaseException | None
    ) -> None:
        """Note that the stage is left, after its last phase.

        Args:
            skipped: whether its body was left out.
            exhausted: set if the attempts were used up; what this method then raises, the caller
                gets.
            error: what goes on to the caller, if anything does.
        """

    def call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call a plain phase or body."""
        return function(*args, **kwargs)


class _Passage:
    """One passage through a stage."""

    def __init__(self, stage: Stage, owner: Any, host: StageHost, body: Callable[..., Any]) -> None:
        self._stage = stage
        self._owner = owner
        self._host = host
        self._body = body
        self._is_async = inspect.iscoroutinefunction(body)
        self._skipped = False
        self._gave_up = False

    async def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Carry out all phases; return what the body returned, None if it never did.

        At a checkpoint there are no phases, and nothing is told: what it holds is returned.
        """
        host = self._host
        if (checkpoint := host.checkpoint(self._stage)) is not None:
            return checkpoint.result
        host.enter(self._stage)
        tenacity = _retrying()
        exhausted: RetryError | None = None
        result = None
        try:
            await self._phase(PRE)
            limits = host.limits(self._stage)
            retrying = tenacity.StageRetrying(limits)
            try:
                result = await self._attempts(retrying, limits, args, kwargs)
                if not self._skipped:
                    host.keep(self._stage, result)
            except tenacity.RetryError as error:
                if not (self._gave_up or host.forgives_retry_errors):
                    raise
                exhausted = error
                host.exhaust(error)
                await self._phase(RETRY_ERROR, retrying)
            await self._phase(POST)
        except BaseException as error:
            host.leave(skipped=self._skipped, exhausted=exhausted, error=error)
            raise
        host.leave(skipped=self._skipped, exhausted=exhausted, error=None)
        return result

    async def _attempts(
        self,
        retrying: "StageRetrying",
        limits: RetryLimits,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        tenacity = _retrying()
        retrying.begin()
        state = tenacity.RetryCallState(retrying, self._body, (self._owner, *args), kwargs)
        while True:
            self._host.begin_attempt(state.attempt_number, limits)
            try:
                return await self._attempt(args, kwargs)
            except tenacity.TryAgain as error:
                state.set_exception((type(error), error, error.__traceback__))
            finally:
                self._host.end_attempt()
            try:
                pause = retrying.pause_after(state)
            except tenacity.RetryError:
                self._gave_up = True
                raise
            self._host.retry(state)
            await self._phase(PREPARE_RETRY, state)
            state.prepare_for_next_attempt()
            waiting = self._host.wait(pause)
            if waiting is not None:
                await waiting

    async def _attempt(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = None
        await self._phase(BEGIN, self._stage.heading)
        self._skipped = not self._host.selects(self._stage)
        if self._skipped:
            await self._phase(SKIP)
        else:
            try:
                result = await self._call(self._body, self._owner, *args, **kwargs)
            except self._host.ending_errors:
                await self._phase(END)
                raise
        await self._phase(END)
        return result

    async def _phase(self, name: str, *args: Any) -> None:
        method = phase_method(self._owner, name, self._stage.form)
        if inspect.iscoroutinefunction(method) and not self._is_async:
            raise TypeError(
                f"{getattr(method, '__name__', name)}() is an async method, but the stage "
                f"{self._stage.name!r} is not; write both as 'async def', or neither."
            )
        await self._call(method, *args)

    async def _call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if inspect.iscoroutinefunction(function):
            result = await function(*args, **kwargs)
            _refuse_undone(function, result, "await it there")
            return result
        try:
            result = self._host.call(function, *args, **kwargs)
        except StopIteration as error:
            if self._is_async:
                raise
            raise _EscapedError from error
        _refuse_undone(function, result, "write it as 'async def'")
        return result


def _refuse_undone(function: Callable[..., Any], result: object, advice: str) -> None:
    """Refuse a result that is work which nobody would ever do.

    Args:
        function: the phase or body that returned it.
        result: what it returned.
        advice: what to do about something that was to be awaited.

    Raises:
        TypeError: it is to be awaited, or iterated over.
    """
    if result is None:
        return
    if inspect.isgenerator(result) or inspect.isasyncgen(result):
        kind = "a generator" if inspect.isgenerator(result) else "an async generator"
        advice = "it does nothing until it is iterated over; write it without 'yield'"
    elif inspect.iscoroutine(result):
        kind = "a coroutine"
    elif inspect.isawaitable(result):
        kind = f"something to be awaited ({type(result).__name__})"
    else:
        return
    if inspect.isgenerator(result) or inspect.iscoroutine(result):
        result.close()
    name = getattr(function, "__name__", function)
    raise TypeError(f"{name}() returned {kind}; {advice}.")


def make_stage(stage: Stage, body: Body, host_of: Callable[[Any], StageHost]) -> Body:
    """Return a method that takes a body through all phases of a stage.

    Args:
        stage: the stage.
        body: the method as it was written, plain or ``async``.
        host_of: called with the instance at the beginning of each passage.

    Raises:
        TypeError: the body is no function, or a generator function, whose call does nothing.
    """
    if not callable(body):
        raise TypeError(f"The stage {stage.name!r} must be a method; got {body!r}.")
    if inspect.isgeneratorfunction(body) or inspect.isasyncgenfunction(body):
        raise TypeError(
            f"The stage {stage.name!r} is a generator, which does nothing when it is called; "
            "write it without 'yield'."
        )

    async def take_through(self: Any, *args: Any, **kwargs: Any) -> Any:
        return await _Passage(stage, self, host_of(self), body).run(args, kwargs)

    def drive_through(self: Any, *args: Any, **kwargs: Any) -> Any:
        return _drive(take_through(self, *args, **kwargs))

    method = take_through if inspect.iscoroutinefunction(body) else drive_through
    functools.update_wrapper(method, body)
    mark(method, stage)
    return cast("Body", method)


def _drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Take a coroutine that never waits to its end; return what it returns."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    except _EscapedError as escaped:
        if escaped.__cause__ is None:
            raise
        raise escaped.__cause__ from None
    coroutine.close()
    raise TypeError("A phase of a plain stage returned something to be awaited.")

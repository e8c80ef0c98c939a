"""The part of an operation that is about its stages: methods, phases, skip and retry."""

import inspect
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from asgiref.sync import sync_to_async

from liveops.exceptions import InvalidStateError
from liveops.stage_texts import giving_up_text, retry_text, skipped_text
from liveops.stages import (
    RetryLimits,
    Stage,
    limits_for,
    make_stage,
    selection_problem,
    stage_methods,
)

if TYPE_CHECKING:
    from tenacity import RetryCallState, Retrying

    from liveops.progress import Progress

Body = TypeVar("Body", bound=Callable[..., Any])

_OF_THE_RUN = frozenset({"_progress", "_progress_query", "_run_query"})
"""Attributes that a copy does not get."""


class StagedOperation:
    """Stage methods and the phases around them; the base of every operation.

    Each phase is a method: override it, extend it through ``super()``, or write one for a single
    stage with the identifier form of its name appended (``_begin_stage_migrate``).

    Attributes:
        stages: names of the stages in their order; left out, those of the stage methods.
        given_limits: limits of retrying that go before all others, by ``<stage>_retry_attempts``
            and the like.
    """

    stages: ClassVar[list[str]] = []
    is_dry_run: bool
    given_limits: Mapping[str, Any] = {}

    _stages_declared: ClassVar[bool] = False
    _progress: "Progress | None" = None

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy is made of; the run stays with the original."""
        state: dict[str, Any] = super().__getstate__()  # type: ignore[assignment]
        return {name: value for name, value in state.items() if name not in _OF_THE_RUN}

    def __init_subclass__(cls, **options: Any) -> None:
        """Derive ``stages`` from the stage methods, unless the class lists them itself."""
        super().__init_subclass__(**options)
        if "stages" in cls.__dict__:
            cls._stages_declared = True
        elif not cls._stages_declared:
            cls.stages = [stage.name for stage in stage_methods(cls).values()]

    @staticmethod
    def stage(
        name: str,
        heading: str,
        *,
        retry_attempts: int = 0,
        retry_delay: float = 0.0,
        retry_timeout: float | None = None,
        continue_on_failure: bool = False,
    ) -> Callable[[Body], Body]:
        """Make a method a stage, with all its phases.

        Arguments and return value of the method pass through; a stage that is skipped, or whose
        attempts are used up, returns None. An instance attribute, property or model field named
        ``<stage>_retry_attempts``, ``…_retry_delay`` or ``…_retry_timeout`` goes before the
        argument here; ``<stage>`` is the identifier form of the name.

        Args:
            name: as it is shown, up to 100 characters.
            heading: a sentence about what happens in the stage.
            retry_attempts: how many more times the body is tried when it raises ``RetryStage``.
            retry_delay: seconds between two attempts.
            retry_timeout: seconds since the first attempt began after which there is no other;
                None for no such limit.
            continue_on_failure: whether the operation goes on when the attempts are used up. The
                stage has failed all the same.

        Raises:
            TypeError, ValueError: an argument that cannot be what it is meant to be.
        """
        limits = RetryLimits(retry_attempts, retry_delay, retry_timeout)
        stage = Stage(name, heading, limits, continue_on_failure)

        def decorate(body: Body) -> Body:
            is_async = inspect.iscoroutinefunction(body)
            return make_stage(
                stage, body, lambda operation: _progress_of(operation)._stage_host(is_async)
            )

        return decorate

    @property
    def progress(self) -> "Progress":
        """What steers the run that is under way; the same object that ``run()`` is handed.

        Raises:
            InvalidStateError: the operation is not running.
        """
        return _progress_of(self)

    @property
    def dry_run(self) -> bool:
        """Whether ``p.run()`` only says what it would run; stored with the operation.

        A model field of this name takes its place, for a form to offer it.
        """
        return self.is_dry_run

    @dry_run.setter
    def dry_run(self, value: bool) -> None:
        self.is_dry_run = value

    @cached_property
    def stage_headings(self) -> dict[str, str]:
        """The headings of the stages that are methods, by stage name."""
        return {stage.name: stage.heading for stage in stage_methods(type(self)).values()}

    def retry_limits(self, name: str, declared: RetryLimits) -> RetryLimits:
        """Return how often a stage is retried, with this instance's own values put in.

        Args:
            name: identifier form of the stage's name.
            declared: what the stage was declared with.
        """
        limits = limits_for(self, name, declared)
        if not self.given_limits:
            return limits
        return limits_for(SimpleNamespace(**self.given_limits), name, limits)

    @classmethod
    def why_not_only(cls, stages_to_run: Collection[str] | None) -> str | None:
        """Return why only these stages cannot be run, as a sentence; None if they can be."""
        return selection_problem(cls, cls.stages, stages_to_run)

    def run(self, p: "Progress") -> Any:
        """Do the work; a subclass writes this, plain or ``async``, or has stage methods.

        Without it, the stage methods are called in order of definition, each with ``p``.

        Args:
            p: what tells watchers how it goes.

        Returns:
            Anything; it is left alone. What comes out, ``p.result()`` is told.

        Raises:
            NotImplementedError: there is neither.
        """
        methods = [getattr(self, name) for name in stage_methods(type(self))]
        if not methods:
            raise NotImplementedError(
                f"{type(self).__name__} has neither a run() method nor stage methods; write one."
            )
        if any(map(inspect.iscoroutinefunction, methods)):
            return _run_in_turn(methods, p)
        for method in methods:
            _refuse_awaitable(method, method(p))
        return None

    @classmethod
    def runs_async(cls) -> bool:
        """Return whether ``run()`` has to be awaited."""
        if cls.run is not StagedOperation.run:
            return inspect.iscoroutinefunction(cls.run)
        return any(inspect.iscoroutinefunction(getattr(cls, name)) for name in stage_methods(cls))

    # The phases.

    def _run_pre_stage_actions(self) -> None:
        """Do what comes before a stage begins; nothing by default. Not repeated by a retry."""

    def _begin_stage(self, heading: str) -> None:
        """Begin an attempt; by default its heading becomes the status, unless it is to be skipped.

        Args:
            heading: what the stage was declared with.
        """
        progress = _progress_of(self)
        if heading and progress._selects_stage():
            progress.status(heading)

    def _skip_stage(self) -> None:
        """Do what replaces the body of a stage that is not to run; by default it is logged."""
        _progress_of(self).log(skipped_text())

    def _end_stage(self) -> None:
        """End an attempt, also one whose body raised; nothing by default."""

    def _prepare_to_retry_stage(self, retry_state: "RetryCallState") -> None:
        """Prepare for another attempt; by default the reason and the delay are logged.

        Args:
            retry_state: tenacity's account of the attempt that failed.
        """
        _progress_of(self).log(retry_text(retry_state), level="warning")

    def _handle_stage_retry_error(self, retry: "Retrying") -> None:
        """Deal with a stage whose attempts are used up; by default that is logged.

        Args:
            retry: tenacity's controller, with its statistics.
        """
        _progress_of(self).log(giving_up_text(retry), level="error")

    def _run_post_stage_actions(self) -> None:
        """Do what comes after a stage has ended; nothing by default. Not repeated by a retry."""


def _progress_of(operation: StagedOperation) -> "Progress":
    # Not through the property: an operation may have a field of that name.
    if operation._progress is None:
        raise InvalidStateError(
            f"{type(operation).__name__} is not running here, so it has no progress and its stages "
            f"cannot be called. Start it with enqueue() or manage.py run_liveop."
        )
    return operation._progress


async def _run_in_turn(methods: list[Callable[..., Any]], p: "Progress") -> None:
    for method in methods:
        if inspect.iscoroutinefunction(method):
            await method(p)
        else:  # on the run's own thread, so that it may use the database
            _refuse_awaitable(method, await sync_to_async(method)(p))


def _refuse_awaitable(method: Callable[..., Any], returned: Any) -> None:
    """Refuse a stage whose ``async`` nature a decorator hides: nobody has awaited it."""
    if inspect.isawaitable(returned):
        if inspect.iscoroutine(returned):
            returned.close()
        raise TypeError(
            f"{method.__name__}() is a stage, but returned {type(returned).__name__}; a decorator "
            f"around it must be 'async def', too."
        )

"""One run from claim to end: the one place that catches what user code raises."""

import asyncio
import inspect
import logging
import threading
from collections.abc import Sequence

from asgiref.sync import async_to_sync
from django.utils import translation
from django.utils.translation import gettext as _

from liveops import events, outages, registry, shutdown, store
from liveops.addresses import adopt_script_prefix
from liveops.control import success_url
from liveops.exceptions import (
    FenceLost,
    InvalidStateError,
    LiveOperationsError,
    OperationCancelled,
    OperationError,
    OperationInterrupted,
)
from liveops.failure_texts import failure_text
from liveops.fencing import OTHER_PK, RUN_COLUMNS
from liveops.models import LiveOperation
from liveops.progress.capture import current
from liveops.progress.chaining import HandOn
from liveops.progress.failures import Failure
from liveops.progress.handle import Progress
from liveops.progress.pumps import Pump
from liveops.progress.redaction import Redactor
from liveops.progress.run import Run
from liveops.progress.text import ERROR_LIMIT, clean_lines, cut
from liveops.progress.update import Finished, Sink
from liveops.runners import forks
from liveops.sinks.web import WebSink
from liveops.stage_texts import resumed_text
from liveops.stages import StageState, without_unfinished
from liveops.states import State
from liveops.store import Ending

__all__ = ["execute"]

logger = logging.getLogger("liveops")


def execute(
    operation: LiveOperation,
    *,
    pump: Pump,
    sinks: Sequence[Sink] = (),
    web: bool = True,
    hand_on: HandOn | None = None,
    resumes: bool = True,
    make_run: type[Run] = Run,
) -> State | None:
    """Claim an operation and carry it out.

    Args:
        operation: a saved operation, freshly loaded; loaded as its base class, its specific
            instance is used.
        pump: what carries its progress.
        sinks: where its progress goes beside the web.
        web: whether to send frames to watchers, if the project has a channel layer.
        hand_on: what starts the next operation of a chain; left out, it is enqueued.
        resumes: whether the operation is resumed by itself if it is interrupted, should its class
            want that.
        make_run: the class of the run; tests have one that keeps what happens.

    Returns:
        The state it ended in; None if another run has it, or took it over meanwhile.

    Raises:
        KeyboardInterrupt, SystemExit: raised by user code; the operation is INTERRUPTED before.
    """
    adopt_script_prefix()
    specific = operation.specific
    claim = store.claim(specific, resumes=resumes)
    if claim is None:
        logger.info("liveops: operation %s is not waiting; nothing to run", operation.pk)
        return None
    all_sinks = [*sinks, WebSink()] if web and WebSink.available() else list(sinks)
    run = make_run(specific, claim, all_sinks, pump=pump)
    shutdown.arm()
    registry.add(run)
    try:
        with translation.override(specific.language):
            return _carry_out(run, Progress(run, hand_on), claim)
    finally:
        run.abandon()  # whatever went wrong: nobody goes on serving it
        registry.remove(run)
        events.released(specific, claim.run_id)
        specific.take_back_pk()
        specific.fence = None


def _carry_out(run: Run, progress: Progress, claim: store.Claim) -> State | None:
    run.operation._progress = progress
    token = current.set(progress)
    run.begin()
    leaving: BaseException | None = None
    try:
        events.claimed(run.operation, run.run_id)
        _say_resumed(progress, claim)
        if run.operation.cancel_requested:
            raise OperationCancelled("The operation was cancelled before it started.")
        problem = run.operation.why_not_only(run.operation.stages_to_run)
        if problem is not None:
            raise OperationError(problem)
        _call(run, progress)
        ending = _returned(run, progress)
    except FenceLost as lost:
        if not run.operation.take_back_pk():
            _abandon(run, lost)
            return None
        run.stop = None
        ending = _failed(run, progress, InvalidStateError(OTHER_PK))
    except OperationCancelled:
        ending = Ending(State.CANCELLED)
    except OperationInterrupted:
        ending = Ending(State.INTERRUPTED)
    except asyncio.CancelledError as error:
        if isinstance(run.stop, OperationCancelled):
            ending = Ending(State.CANCELLED)
        elif isinstance(run.stop, OperationInterrupted):
            ending = Ending(State.INTERRUPTED)
        else:
            ending = _failed(run, progress, error)
    except (KeyboardInterrupt, SystemExit) as signal:
        leaving = signal
        ending = Ending(State.INTERRUPTED)
    except BaseException as error:  # noqa: BLE001  (user code may raise anything)
        run.operation.take_back_pk()
        ending = _failed(run, progress, error)
    finally:
        current.reset(token)
        run.operation._progress = None
        run.operation.take_back_pk()
    state = progress._end_of_chain(ending.state) or _finish(run, ending)
    if leaving is not None:
        raise leaving
    return state


def _say_resumed(progress: Progress, claim: store.Claim) -> None:
    """Mark in the log where a run begins that goes on where another one stopped."""
    actions, operation = claim.view.actions, progress.operation
    if actions and actions[-1].action in ("resume", "go_on"):
        left = [name for name in operation.stages if name not in claim.checkpoints]
        progress.log(resumed_text(actions[-1], left[0] if left else operation.stages[-1]))


def _call(run: Run, progress: Progress) -> None:
    operation = run.operation
    if operation.runs_async():

        async def main() -> None:
            run.runs_as_task()
            await operation.run(progress)

        try:
            with forks.end_here():
                async_to_sync(main)()
        except RuntimeError as error:
            if run.is_task or threading.main_thread().is_alive():
                raise
            raise OperationInterrupted("The process is shutting down.") from error
        return
    with forks.end_here():
        returned = operation.run(progress)
    if (
        inspect.isawaitable(returned)
        or inspect.isgenerator(returned)
        or inspect.isasyncgen(returned)
    ):
        name = f"{type(operation).__name__}.run()"
        if inspect.iscoroutine(returned):
            returned.close()
            raise TypeError(f"{name} returned a coroutine; write it as 'async def run'.")
        raise TypeError(f"{name} returned {type(returned).__name__}; it must do the work itself.")


def _returned(run: Run, progress: Progress) -> Ending:
    if progress.error_text is not None:
        text = _sentence(progress.error_text, run.redactor)
        return Ending(State.FINISHED_ERROR, text, result_context=progress.result_context)
    progress._take_back_heading()
    return Ending(State.FINISHED_OK, result_context=progress.result_context)


def _failed(run: Run, progress: Progress, error: BaseException) -> Ending:
    pk, failure = run.operation.pk, Failure(error, run.redactor)
    if isinstance(error, OperationError):
        logger.info("liveops: operation %s failed: %s", pk, failure.redactor.mask(str(error)))
    else:
        failure.log("liveops: operation %s failed", pk)
    if isinstance(error, LiveOperationsError):
        text = failure_text(error)
    else:
        text = _("It stopped with an unexpected error (%s).") % type(error).__name__
    text = _sentence(text, failure.redactor)
    return Ending(State.FINISHED_ERROR, text, _storable(failure), progress.result_context)


def _sentence(text: str, redactor: Redactor) -> str:
    """Return what watchers read of a failure."""
    return cut(clean_lines(redactor.mask(text)), ERROR_LIMIT)


def _storable(failure: Failure) -> str:
    trace = failure.trace.replace("\x00", "\u2400")
    return trace.encode("utf-8", "replace").decode("utf-8")


def _finish(run: Run, ending: Ending) -> State | None:
    operation = run.operation
    run.is_ending = True
    if not isinstance(operation.stage_states, dict):  # user code may have put anything there
        operation.stage_states = {}
    broken = StageState.INTERRUPTED if ending.state is State.INTERRUPTED else StageState.FAILED
    operation.stage_states = without_unfinished(operation.stage_states, broken)
    operation.result_context = dict(ending.result_context) if ending.result_context else None
    # Code of the user, and perhaps slow: until after it, the run gives its signs of life.
    address = success_url(operation, ending.state)
    run.settle(ending.error_text)
    if not _save_ending(run, ending):
        _abandon(run, FenceLost("It is not this run's any more."))
        return None
    run.end(
        Finished(
            state=ending.state,
            success_url=address,
            result=ending.result_context,
            error_text=ending.error_text,
            traceback=ending.traceback,
        )
    )
    events.ended(operation, run.run_id, ending.state, ending.error_text)
    return ending.state


def _save_ending(run: Run, ending: Ending) -> bool:
    """Save the end, however long the database is away; False if the operation is another run's."""
    try:
        return _insist_on(run, ending)
    except Exception as error:
        if outages.is_passing(error):
            raise
        # User code left something on the operation that no database takes.
        operation, failure = run.operation, Failure(error, run.redactor)
        failure.log("liveops: operation %s cannot be saved as it is", operation.pk)
        operation.current_stage, operation.stage_states = -1, {}
        text = _("Its stages or result could not be saved.")
        return _insist_on(run, Ending(State.FINISHED_ERROR, text, _storable(failure)))


def _insist_on(run: Run, ending: Ending) -> bool:
    operation, tried = run.operation, False

    def save() -> bool:
        nonlocal tried
        if tried:
            run.save_rest()  # whoever reads of the end finds the last lines there too
            if store.was_finished(operation, ending):
                operation.refresh_from_db(fields=[*RUN_COLUMNS])
                return True
        tried = True
        return store.finish(operation, ending)

    return outages.insist(run.alias, save, run.run_id)


def _abandon(run: Run, lost: FenceLost) -> None:
    logger.warning("liveops: stopped a run of operation %s: %s", run.pk, lost)
    run.abandon()

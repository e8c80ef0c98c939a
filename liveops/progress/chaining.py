"""``chain_to()``: an operation ends successfully and hands its watchers over to the next one."""

import logging
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django.db import IntegrityError, connections, transaction

from liveops import events, limits, outages, store
from liveops.exceptions import FenceLost, InvalidStateError
from liveops.fencing import RUN_COLUMNS
from liveops.models import LiveOperation
from liveops.progress.bridge import call_at_home
from liveops.progress.run import Run
from liveops.progress.staging import Stages
from liveops.progress.update import Finished
from liveops.stages import StageState, without_unfinished
from liveops.states import State
from liveops.store import Ending

logger = logging.getLogger("liveops")

T = TypeVar("T")

HandOn = Callable[[LiveOperation], None]
"""What starts the next operation of a chain, once the hand-over is committed."""

_ENDED = "This operation has ended with chain_to(); call that last, and once."


class HandOver:
    """The end of a run that goes on with another operation.

    Args:
        run: the run that ends.
        following: the next operation.
        result: the result of the run, if it has set one.
        hand_on: what starts the next operation; None enqueues it.
    """

    def __init__(
        self,
        run: Run,
        following: LiveOperation,
        result: dict[str, Any] | None,
        hand_on: HandOn | None,
    ) -> None:
        self._run = run
        self._following = following
        self._result = result
        self._hand_on = hand_on
        self._was_tried = False
        self._is_committed = False
        self._is_settled = False
        self._is_shown = False

    def carry_out_once(self) -> None:
        """Carry it out, unless an earlier call did so and only its answer was lost."""
        was_tried, self._was_tried = self._was_tried, True
        if not (was_tried and store.state_of(self._run.operation) is State.FINISHED_OK):
            self.carry_out()

    def carry_out(self) -> None:
        """Save the end, the link and the request to run the next one, in one transaction.

        Watchers are told, and the next operation is started, once that is committed. In memory the
        run goes on until then, for a transaction of user code may still take all of it back.

        Raises:
            FenceLost: the run no longer owns its operation.
            InvalidStateError: it was chained meanwhile, or another operation to the next one.
        """
        run, operation = self._run, self._run.operation
        before = {name: getattr(operation, name) for name in RUN_COLUMNS}
        in_user_transaction = run.in_user_transaction()
        try:
            with transaction.atomic(using=run.alias):
                self._save()
                if not in_user_transaction:
                    run.settle("")  # so whoever reads of the end finds the last lines there too
                    self._is_settled = True
                transaction.on_commit(self._committed, using=run.alias)
                if self._hand_on is None:
                    self._enqueue()
                else:
                    self._following.note_enqueued()
                    transaction.on_commit(self._start_following, using=run.alias)
        except Exception:
            _put_back(operation, before)
            run.go_on()
            raise
        if not self._is_committed:
            _put_back(operation, before)

    def _save(self) -> None:
        run, following = self._run, self._following
        ending = Ending(State.FINISHED_OK, result_context=self._result)
        states = run.operation.stage_states
        run.operation.stage_states = without_unfinished(states, StageState.DONE)
        try:
            with transaction.atomic(using=run.alias):
                done = store.finish(run.operation, ending, following=following)
        except IntegrityError as error:
            raise _taken(following) from error
        if not done:
            if store.state_of(run.operation) is State.FINISHED_OK:
                raise InvalidStateError(_ENDED)
            pk = run.operation.pk
            raise FenceLost(f"Run {run.run_id} no longer owns operation {pk}.")

    def stands(self) -> bool:
        """Return whether the hand-over was not taken back with a transaction of user code."""
        run = self._run
        state = outages.insist(run.alias, lambda: store.state_of(run.operation), run.run_id)
        return state is State.FINISHED_OK

    def conclude(self) -> None:
        """Do what is left to do when ``run()`` has come to its end.

        There is something if an ``on_commit`` hook of user code failed, after which Django calls no
        other. A transaction around the run as a whole is the run's own world, and does not count.
        """
        self._show()
        if not self._is_committed and not connections[self._run.alias].in_atomic_block:
            self._is_committed = True
            if self._hand_on is None:
                self._enqueue()
            else:
                self._hand_on(self._following)

    def _enqueue(self) -> None:
        # It takes the place of this one, however many others its owner has.
        with limits.lifted_for(self._following):
            self._following.enqueue()

    def _show(self) -> None:
        """Show the end and where it went on; once."""
        if self._is_shown:
            return
        self._is_shown = True
        run = self._run
        run.is_ending = True
        run.operation.refresh_from_db(fields=[*RUN_COLUMNS])
        run.leave_stages()
        if not self._is_settled:
            run.settle("")
        run.end(
            Finished(
                state=State.FINISHED_OK,
                success_url=None,
                result=self._result,
                error_text="",
                traceback="",
                following=self._following,
            )
        )
        events.ended(run.operation, run.run_id, State.FINISHED_OK)
        run.is_ending = False  # it has ended; code after chain_to() may be interrupted

    def _committed(self) -> None:
        self._is_committed = True
        try:
            self._show()
        except Exception:  # what starts the next operation follows in the same round
            pk = self._run.operation.pk
            logger.exception("liveops: watchers of operation %s could not be handed over", pk)

    def _start_following(self) -> None:
        if self._hand_on is not None:
            self._hand_on(self._following)


def _put_back(operation: LiveOperation, columns: dict[str, Any]) -> None:
    """Have the instance say what it said before, while the row says more than is committed."""
    for name, value in columns.items():
        setattr(operation, name, value)
    operation.remember_run_columns()


class Chaining(Stages):
    """Lets user code hand over to another operation; a part of ``Progress``."""

    _hand_on: HandOn | None = None
    _hand_over: HandOver | None = None
    _hand_over_class: ClassVar[type[HandOver]] = HandOver
    result_context: dict[str, Any] | None
    error_text: str | None

    def chain_to(self, next_op: LiveOperation) -> None:
        """End this operation successfully and go on with another one.

        The end, the link between the two and the request to run the next one are saved together.
        As soon as that is committed, watchers who may see the next operation are shown it in place
        of this one, without a reload; the others are told that it went on. In the terminal the
        next operation runs when ``run()`` has returned, in the same thread, on the same stream.

        Call it last: stages that are still open end as ``done``, and nothing that ``run()`` does
        afterwards is shown or changes how the operation ended. If a transaction around it is
        rolled back, nothing was handed over.

        Args:
            next_op: a saved operation of any class that waits to be started; do not call its
                ``enqueue()``.

        Raises:
            OperationCancelled: the operation was cancelled before.
            InvalidStateError: the next operation is not saved, has started or ended already, or
                was chained to before; or this one cannot end successfully any more. Nothing was
                saved.
            TypeError: it is not an operation.
            ConfigurationError: the next operation cannot be enqueued. Nothing was saved.
        """
        call_at_home(lambda: self._chain(next_op))

    def _chain(self, following: LiveOperation) -> None:
        run = self._run
        self._refuse_after_chain()
        if run.has_ended:
            raise InvalidStateError("The run has ended, so the operation cannot be chained.")
        run.look_at_flags()
        run.raise_stop(again=True)
        problem = self._insist(lambda: self._problem_with(following))
        if problem is None and self.error_text is not None:
            problem = "error() was called, so this operation ends as failed and cannot be chained."
        if problem is not None:
            raise InvalidStateError(problem)
        following.check_stages_to_run()
        run.flush()
        self._take_back_heading()
        hand_over = self._hand_over_class(run, following, self.result_context, self._hand_on)
        self._insist(hand_over.carry_out_once)
        self._hand_over = hand_over
        run.has_been_chained = hand_over.stands

    def _problem_with(self, following: LiveOperation) -> str | None:
        return _problem(self._run, following)

    def _insist(self, function: Callable[[], T]) -> T:
        """Call a function until the database, should it be away, takes what it does."""
        run = self._run
        return outages.insist(run.alias, function, run.run_id, meanwhile=run.raise_stop)

    def _end_of_chain(self, ending: State) -> State | None:
        """Return how it ended if it was handed over, else None; ``ending``: how ``run()`` went."""
        hand_over, run = self._hand_over, self._run
        if hand_over is None:
            return None
        pk = run.operation.pk
        if not hand_over.stands():
            logger.warning("liveops: a transaction took back the chain of operation %s", pk)
            return None
        hand_over.conclude()
        if ending is not State.FINISHED_OK:
            logger.error("liveops: operation %s was chained before; it stays FINISHED_OK", pk)
        if run.state.status_changed or run.state.pending:
            logger.warning("liveops: what operation %s said after chain_to() is lost", pk)
        return State.FINISHED_OK

    def _refuse_after_chain(self) -> None:
        """Refuse what cannot change anything any more.

        Raises:
            InvalidStateError: this operation was chained already.
        """
        if self._hand_over is not None and self._hand_over.stands():
            raise InvalidStateError(_ENDED)


def unsuitable(run: Run, following: LiveOperation) -> str | None:
    """Return why an operation cannot be chained to, as far as the instances tell."""
    if not isinstance(following, LiveOperation):
        raise TypeError(f"chain_to() takes an operation, not {type(following).__name__}.")
    name = type(following).__name__
    if following._state.adding:
        return f"Save the {name} before you chain to it."
    if following.pk == run.operation.pk:
        return "An operation cannot be chained to itself."
    if store.alias_of(following) != run.alias:
        return f"The {name} is stored in another database, so the two cannot be linked."
    return None


def _problem(run: Run, following: LiveOperation) -> str | None:
    if problem := unsuitable(run, following):
        return problem
    name = type(following).__name__
    try:
        state = store.state_of(following)
    except LiveOperation.DoesNotExist:
        return f"The {name} was deleted, so it cannot be chained to."
    if state is not State.NOT_STARTED:
        return f"The {name} is {state}; only an operation that has not started can be chained to."
    if store.is_chained_to(following):
        return str(_taken(following))
    return None


def _taken(following: LiveOperation) -> InvalidStateError:
    name = type(following).__name__
    return InvalidStateError(f"Another operation was chained to this {name} already.")

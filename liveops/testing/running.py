"""``run_operation()``: an operation from its claim to its end, here and now."""

import os
from collections.abc import Sequence
from functools import partial
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.test.utils import override_settings

from liveops import store
from liveops.exceptions import InvalidStateError
from liveops.models import LiveOperation
from liveops.progress.bridge import in_event_loop
from liveops.runners.executor import execute
from liveops.sinks.sender import Sender, sender
from liveops.sinks.web import WebSink
from liveops.states import State
from liveops.testing.clocks import SkippingClock
from liveops.testing.commands import REAL, Commands
from liveops.testing.commits import real_commits
from liveops.testing.frames import Frame
from liveops.testing.given import require_operation
from liveops.testing.outcome import Outcome
from liveops.testing.record import Record, keep
from liveops.testing.runs import Plan, RecordedRun, RecordingPump

_UNSAFE = "DJANGO_ALLOW_ASYNC_UNSAFE"  # as Django has it for threads whose loop is another's
_FRAMES = 500
_SHARE = 10.0


def run_operation(
    operation: LiveOperation,
    *,
    user: Any = None,
    stages_to_run: Sequence[str] | None = None,
    resume: bool = False,
    restart: bool = False,
    cancel_at: str | None = None,
    cancel_after_lines: int | None = None,
    cancel_after_items: int | None = None,
    commands: Commands = REAL,
    follow: bool = True,
) -> Outcome:
    """Run a saved operation to its end, as a worker does, and return what became of it.

    It is claimed, carried out in this thread, and stored; frames go to whoever watches, too. Waits
    between attempts are passed over. In a ``TestCase`` its transactions commit as far as code can
    tell: their ``on_commit()`` hooks are called; at the end of the test all is rolled back.
    Operations that it enqueues run at their commit. The instance that was handed over is up to date
    afterwards.

    Args:
        operation: a saved operation that waits to be started.
        user: who cancels, resumes or restarts it, to be recorded.
        stages_to_run: the only stages that are to run; None for what the operation says.
        resume: whether it has ended without success and is to go on.
        restart: whether it has ended and is to begin anew.
        cancel_at: the stage in which ``user`` cancels, as soon as it is entered.
        cancel_after_lines: the number of log lines after which ``user`` cancels.
        cancel_after_items: the number of items of ``p.track()``, in all loops together, after which
            ``user`` cancels: before the next item, or at the end of the loop.
        commands: what ``p.run()`` does, as for :class:`liveops.testing.RecordingProgress`; they are
            really run if left out.
        follow: whether the operations that it is chained to are run, too.

    Raises:
        InvalidStateError: it is not saved, or neither waits nor can be resumed or restarted.
        ConfigurationError: ``stages_to_run`` cannot be run.
        TypeError: it is no operation, a class perhaps; or what is counted to is no whole number.
        ValueError: there is no stage ``cancel_at``, or what is counted to is less than 0.
        RuntimeError: an event loop runs in this thread: await :func:`arun_operation` there.
        KeyboardInterrupt, SystemExit: raised by the operation; it is INTERRUPTED then.
    """
    require_operation(operation, ".objects.create()")
    if in_event_loop() and not os.environ.get(_UNSAFE):
        raise RuntimeError(
            "run_operation() waits for the operation, which nothing may do in an event loop: write "
            "'await arun_operation(...)' there."
        )
    plan = Plan(cancel_at, cancel_after_lines, cancel_after_items, user, commands)
    if operation._state.adding:
        raise InvalidStateError("Save the operation before you run it.")
    plan.check(operation.specific)
    own = {**getattr(settings, "LIVEOPS", {}), "RUNNER": "eager"}
    with real_commits(), override_settings(LIVEOPS=own):
        _prepare(operation, stages_to_run, user, resume=resume, restart=restart)
        outcome = _run(operation, plan, follow=follow)
    operation.refresh_from_db()
    keep(outcome)
    return outcome


async def arun_operation(operation: LiveOperation, **options: Any) -> Outcome:
    """Do as :func:`run_operation` from a coroutine; it takes the same arguments."""
    outcome: Outcome = await sync_to_async(partial(run_operation, operation, **options))()
    return outcome


def _prepare(
    operation: LiveOperation,
    stages_to_run: Sequence[str] | None,
    user: Any,
    *,
    resume: bool,
    restart: bool,
) -> None:
    """Have the operation wait to be started.

    Raises:
        InvalidStateError: that cannot be.
    """
    if stages_to_run is not None:
        operation.stages_to_run = list(stages_to_run)
        operation.check_stages_to_run()
        operation.save(update_fields=["stages_to_run"])
    specific = operation.specific
    if resume:
        store.resume(specific, user)
    elif restart:
        store.restart(specific, user)
        specific.on_restart()
        specific.save()
    state = store.state_of(operation)
    if state is not State.NOT_STARTED:
        raise InvalidStateError(
            f"The {type(specific).__name__} is {state}; run_operation() runs one that waits to be "
            f"started. Say resume=True or restart=True for one that has ended."
        )


def _run(operation: LiveOperation, plan: Plan, *, follow: bool) -> Outcome:
    """Run an operation, and then the one that it was chained to."""
    fresh = (
        operation.specific_class()
        ._base_manager.using(store.alias_of(operation))
        .get(pk=operation.pk)
    )
    record, clock, post, following = Record(), SkippingClock(), _Post(), list[LiveOperation]()
    execute(
        fresh,
        pump=RecordingPump(clock, _FRAMES),
        sinks=[WebSink(through=post)],
        web=False,
        hand_on=following.append,
        make_run=partial(RecordedRun, record=record, plan=plan, clock=clock, share=_SHARE),  # type: ignore[arg-type]
    )
    fresh.refresh_from_db()
    progress = store.progress_of(fresh)
    chained: Outcome | None = None
    for next_operation in following:
        record.add_chain(next_operation)
        if follow:
            chained = _run(next_operation, Plan(commands=plan.commands), follow=True)
    return Outcome(
        operation=fresh,
        state=fresh.get_state(),
        result=fresh.result_context,
        stages=_in_order(fresh, record),
        error=progress.error_text if progress is not None else "",
        traceback=fresh.traceback,
        frames=post.frames(),
        chained=chained,
        _record=record,
    )


def _in_order(operation: LiveOperation, record: Record) -> dict[str, str]:
    states = operation.stage_states
    return {name: states[name] for name in [*operation.stages, *record.stages] if name in states}


class _Post(Sender):
    """Keeps what is sent to watchers, and sends it."""

    def __init__(self) -> None:
        super().__init__()
        self._messages: list[dict[str, Any]] = []

    def send(self, group: str, message: dict[str, Any]) -> None:
        self._messages.append(message)
        if WebSink.available():
            sender().send(group, message)

    def frames(self) -> list[Frame]:
        """Return the frames as the socket of a watcher sends them."""
        texts = [text for one in self._messages for text in (one["text"], one["finished"]) if text]
        return [Frame.decode(text) for text in texts]

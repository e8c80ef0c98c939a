"""A run as pumps serve it: what it has to show is collected, and goes out to the sinks."""

from collections.abc import Sequence
from typing import Any

from django.db import connections

from liveops import outages, store
from liveops.commands.process import stream
from liveops.exceptions import FenceLost, OperationCancelled
from liveops.progress.bridge import call_at_home
from liveops.progress.saved_run import SavedRun
from liveops.progress.update import Region, Swap, Update
from liveops.progress.view import ControlAction

_BUSY_SECONDS = 0.005
_REST = 4  # times what a frame takes: the least time from one to the next
_LONGEST_REST = 2.0


class ServedRun(SavedRun):
    """A run as user code and pumps see it: what changed goes out, at most so often."""

    # What user code asks for, through Progress.

    def add_swap(self, swap: Swap) -> None:
        """Show HTML in a part of the page that is the operation's own."""
        with self.lock:
            self._screen.add_swap(swap)
        self._wake()

    def answer_alarm(self) -> None:
        """Do what a ``track()`` loop was interrupted for: stop, or flush at a tick of the bell."""
        self.state.alarm = False
        self.raise_stop()
        self._wake()

    carry_out = staticmethod(stream)
    """What runs a command."""

    def passes_over(self, seconds: float) -> bool:
        """Return whether a wait is over at once: so it is where time is simulated."""
        return False

    def pulse(self) -> None:
        """Do what is due while user code waits for something; called again and again."""
        self._pump.pulse(self)

    def look_at_flags(self) -> None:
        """Ask the database at once whether to stop; on the caller's connection.

        One that is away says nothing, and is asked again the next time.
        """
        if self._ended:
            return
        connection = connections[self.alias]
        try:
            flags = store.poll(self.alias, [self.pk])
        except Exception as error:
            if connection.in_atomic_block or not outages.is_passing(error):
                raise
            outages.note_failure(self.alias, self.run_id, error)
            outages.drop_if_broken(connection)
        else:
            self.take_flags(flags.get(self.pk))

    def take_flags(self, flags: tuple[Any, bool] | None) -> None:
        """Take over what the database says: whose the operation is, and whether to cancel."""
        if flags is None or flags[0] != self.run_id:
            self.request_stop(FenceLost(f"Run {self.run_id} no longer owns its operation."))
        elif flags[1] and not self._screen.view.cancel_requested:
            self.note_cancel()
            self.note_actions(store.actions_of(self.operation))

    def note_actions(self, actions: Sequence[ControlAction]) -> None:
        """Show who steered the operation, as it is stored."""
        with self.lock:
            if tuple(self._screen.view.actions) != tuple(actions):
                self._screen.change(Region.STATUS, Region.RESULT, actions=tuple(actions))

    def note_cancel(self, action: ControlAction | None = None) -> bool:
        """Have the run cancelled, and show that this was asked for.

        Args:
            action: who asked, if that is not stored yet.

        Returns:
            Whether the run has not heard of it before.
        """
        with self.lock:
            view = self._screen.view
            actions = view.actions
            is_news = not view.cancel_requested
            if is_news and action is not None:
                actions = (*actions, action)
            self.operation.cancel_requested = True
            changed = (Region.CONTROLS, Region.STATUS, Region.PROGRESS, Region.RESULT)
            self._screen.change(*changed, cancel_requested=True, actions=actions)
        self.request_stop(OperationCancelled("The operation was cancelled."))
        if self._pump.own_connection:
            self._wake()
        return is_news

    # What pumps ask for.

    def due_at(self) -> float:
        """Return when the pump has to serve this run next, in seconds of the clock."""
        counter = self.state.counter
        counting = counter is not None and counter.active
        if self._fanout.has_waiting:
            return self._busy_until
        look_at = self._screen.due_at(self.throttle.interval, counting=counting)
        look_at = max(look_at, self.throttle.next_at)
        frame_at = self.throttle.next_at if self.state.announced else look_at
        save_at = min(self._save_at(), self._late_stages.due_at())
        return max(min(frame_at, save_at), self._busy_until)

    def serve(self, now: float) -> None:
        """Send and save what is due, in the pump's thread; never wait for user code."""
        if now < self.due_at():
            return
        if not self.lock.acquire(blocking=False):
            self._busy_until = now + _BUSY_SECONDS
            return
        try:
            if not self._ended:  # the pump may still be on its round
                self._flush(now, show=self.throttle.due(now))
        finally:
            self.lock.release()

    def flush(self) -> None:
        """Send and save all that waits, before user code goes on."""
        state, is_late = self.state, self._late_stages.is_waiting
        if self._ended or not (
            state.announced or state.changed or state.counter or self._screen.pending or is_late
        ):
            return
        if not self._pump.own_connection:
            call_at_home(self._flush_now)
        elif state.pending or self._ledger.has_lines or is_late:
            self._pump.call(self._flush_now)
        else:  # there is nothing to be saved first
            self._flush_soon()

    def flush_due(self) -> None:
        """Send what waits and save what is due, on the run's own thread."""
        call_at_home(self._flush_now)

    def _flush_now(self) -> None:
        with self.lock:
            if not self._ended:
                self._flush(self.clock(), show=True)

    def _flush_soon(self) -> None:
        """Collect all that waits now, and leave to the pump's thread what takes its time."""
        with self.lock:
            update = self._collect(self.clock())
            if update is not None:
                self._fanout.emit_soon(update)

    def _flush(self, now: float, *, show: bool) -> None:
        ledger = self._ledger
        if now >= self._late_stages.due_at():
            self._save_late_stages(now)
        update = self._collect(now) if show else None
        saves_first = ledger.has_lines  # log lines are stored before they are shown
        if not saves_first:
            self._show(update)
        if self._boundary.rows_may_be_saved():
            due = ledger.has_lines or now >= self._save_at()
            if due and ledger.ready(now) and self._may_wait_briefly(now):
                self._save(now)
        elif now >= ledger.due_at():
            ledger.postpone(now, self.throttle.interval)
        if saves_first:
            self._show(update)

    def _save_at(self) -> float:
        """Return when to save next: not while a frame that was just handed over is being sent.

        The two would compete for the processor, and whoever watches waits for the frame.
        """
        due = self._ledger.due_at()
        if not self._pump.own_connection:
            return due
        half = self.throttle.interval / 2
        return min(max(due, self._shown_at + half), due + 2 * half)

    def _show(self, update: Update | None) -> None:
        """Hand over what waits for slow sinks, and an update; then have a rest if that took long.

        Where a frame takes long, as with very many stages, it is not all that is done.
        """
        began = self.clock()
        self._fanout.flush()
        if update is not None:
            self._fanout.emit(update)
            self._shown_at = began
        rest = min((self.clock() - began) * _REST, _LONGEST_REST)
        self.throttle.next_at = max(self.throttle.next_at, began + rest)

    def _collect(self, now: float) -> Update | None:
        update, lines = self._screen.collect(self.state, now)
        if update is not None:
            self.throttle.mark(now)
            self._ledger.note_change()
            self._ledger.add_lines(lines)
        if self.state.pending and self._pump.own_connection:
            self._wake()  # a flood is taken in portions
        return update

    def _lose(self, lost: FenceLost) -> None:
        self.request_stop(lost)
        self._pump.remove(self)

    def _wake(self) -> None:
        # A loop that was left open is closed by the garbage collector, long after the run perhaps.
        if not (self._ended or self._is_awaited()):
            self._pump.wake(self)

    def _is_awaited(self) -> bool:
        """Return whether the pump's thread is to look at this run within a frame's time anyway."""
        knows = self.state.announced and self._pump.own_connection
        return knows and not self._fanout.has_waiting

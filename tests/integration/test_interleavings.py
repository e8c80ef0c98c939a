"""Claim, fence, reaper and controls under generated interleavings, beside a model of the rules."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    precondition,
    rule,
    run_state_machine_as_test,
)

from liveops import control, store
from liveops.exceptions import InvalidStateError
from liveops.models import LiveOperation
from liveops.states import FINAL_STATES, RESUMABLE_STATES, State
from tests.integration.interleaving import (
    Executor,
    Post,
    Seen,
    resumed_by_itself,
    rows_of,
    specific,
)
from tests.integration.interleaving_model import HEARTBEAT, REQUEUE, STALE, Model

operations = st.integers(0, 1)
executors = st.integers(0, 5)
WRITES: dict[str, Callable[[Executor], Callable[[], bool]]] = {
    "sign of life": lambda executor: partial(executor.progress, 0),
    "lines": lambda executor: partial(executor.progress, 3),
    "enter": lambda executor: executor.enter_stage,
    "leave": lambda executor: executor.leave_stage,
    "save": lambda executor: executor.save_fields,
    "save own": lambda executor: partial(executor.save_fields, "plan"),
}
DEEDS = [*WRITES, "poll", "finish", "claim", "die"]
LOOKS = {"look": 0.0, "look late": 16.0, "look very late": 130.0}
SIGNS_OF_LIFE = ("sign of life", "lines", "leave")
ACTIONS: dict[str, Callable[[LiveOperation], object]] = {
    "cancel": control.cancel,
    "restart": control.restart,
    "resume": control.resume,
}


class Interleavings(Model):
    """Two operations, some executors, two reapers, and users, in any order."""

    # The broker

    @precondition(lambda self: bool(Post.messages))
    @rule(fate=st.sampled_from(["delivered", "delivered", "delivered twice", "lost"]))
    def deliver(self, fate: str) -> None:
        """Deliver a message, perhaps not for the last time, or lose it."""
        pk = Post.messages[0] if fate == "delivered twice" else Post.messages.pop(0)
        if fate != "lost":
            self.executors.append(Executor(specific(pk)))

    @rule(number=operations)
    def enqueue_again(self, number: int) -> None:
        """Hand an operation over a second time, as a second click does."""
        pk = self.pks[number]
        before = rows_of(pk)
        specific(pk).enqueue()
        assert self.state[pk] is State.NOT_STARTED or rows_of(pk) == before

    # Executors

    @precondition(lambda self: self.executors)
    @rule(done=st.lists(st.tuples(executors, st.sampled_from(DEEDS)), min_size=1, max_size=5))
    def execute(self, done: list[tuple[int, str]]) -> None:
        """Have executors do things: claim with what they loaded once, write, or die."""
        for which, what in done:
            if self.executors:
                self.do(self.executors[which % len(self.executors)], what, which)

    def do(self, executor: Executor, what: str, which: int) -> None:
        """Have an executor do one thing; a number chooses how it ends."""
        owns = self.owner[executor.pk] == executor.run_id
        if what == "die":
            self.executors.remove(executor)
        elif executor.claim is None:
            self.claim(executor)
        elif what == "poll":
            assert executor.may_go_on() == owns
        elif what == "finish":
            running = self.state[executor.pk] is State.STARTED
            ending = FINAL_STATES[which % len(FINAL_STATES)]
            ended = partial(executor.finish, ending)
            if self.accepts(executor.pk, ended, expected=owns and running):
                self.state[executor.pk] = ending
        elif what in WRITES and self.accepts(executor.pk, WRITES[what](executor), expected=owns):
            assert not executor.accepted.keys() & self.lines[executor.pk].keys()
            self.lines[executor.pk] |= executor.accepted
            executor.accepted.clear()
            if what in SIGNS_OF_LIFE:
                self.heard[executor.pk] = self.clock.now

    # Time and the reapers

    @rule(
        which=st.integers(0, 1),
        before=st.sampled_from([16.0, 130.0, 1.0]),
        pause=st.sampled_from([6.5, 0.0]),
    )
    def reap(self, which: int, before: float, pause: float) -> None:
        """Have a reaper look, perhaps after a silence, and perhaps a second time after a pause."""
        self.clock.now += before
        found = self.reapers[which].round()
        assert not (found.interrupted and self.looks[which] == 0)
        self.looks[which] += 1
        self.take_in(found)
        if pause:
            self.clock.now += pause
            self.take_in(self.reapers[which].round())

    @rule(what=st.sampled_from([*LOOKS, "interrupt", "resume", "hand over"]))
    def go_slowly(self, what: str) -> None:
        """Have a slow reaper look, or act on what it saw, which is old by then."""
        if what in LOOKS:
            self.clock.now += LOOKS[what]
            self.seen = Seen.now(STALE, REQUEUE)
        elif what == "interrupt":
            for pk, run_id in self.seen.silent:
                silent = self.clock.now - self.heard[pk] > STALE
                dead = self.state[pk] is State.STARTED and self.owner[pk] == run_id and silent
                ended = partial(store.interrupt_stale, specific(pk), run_id, STALE)
                if self.accepts(pk, ended, expected=dead):
                    self.state[pk], self.owner[pk] = State.INTERRUPTED, None
        elif what == "resume":
            for operation in self.seen.broken:
                if self.accepts(operation.pk, partial(resumed_by_itself, operation)):
                    self.note_resumed(operation.pk)
        else:
            for operation in self.seen.waiting:
                waits = self.state[operation.pk] is State.NOT_STARTED
                same = specific(operation.pk).hand_overs == operation.hand_overs
                taken = partial(store.take_over, operation)
                if self.accepts(operation.pk, taken, expected=waits and same):
                    Post().submit(operation)

    # Users

    @rule(
        number=operations,
        action=st.sampled_from(sorted(ACTIONS)),
        reload=st.booleans(),
        rolled_back=st.sampled_from([False, False, True]),
    )
    def act(self, number: int, action: str, reload: bool, rolled_back: bool) -> None:
        """Cancel, restart or resume, perhaps by what the page showed some time ago."""
        pk = self.pks[number]
        if reload:
            self.loaded[pk] = specific(pk)
        before, posted = rows_of(pk), list(Post.messages)
        try:
            with transaction.atomic():
                ACTIONS[action](self.loaded[pk])
                transaction.set_rollback(rolled_back)
        except InvalidStateError:
            accepted = False
        else:
            accepted = True
        assert accepted == self._may(action, self.state[pk])
        if not accepted or rolled_back:
            assert rows_of(pk) == before
            assert Post.messages == posted
            self.loaded[pk] = specific(pk)
        elif action == "cancel":
            if self.state[pk] is State.NOT_STARTED:
                self.state[pk] = State.CANCELLED
            self.cancel_asked.add(pk)
        else:
            self.state[pk], self.owner[pk] = State.NOT_STARTED, None
            self.cancel_asked.discard(pk)
            self.resumed[pk] = 0

    @staticmethod
    def _may(action: str, state: State) -> bool:
        if action == "cancel":
            return not state.is_final
        return state in (FINAL_STATES if action == "restart" else RESUMABLE_STATES)


RACES = {
    "ended before it was interrupted": "look late, 0 finish, interrupt",
    "heard of before it was interrupted": "look late, 0 sign of life, interrupt",
    "run anew before it was interrupted": "look late, 0 finish, restart, deliver, 4 claim, "
    "interrupt",
    "interrupted twice": "look late, interrupt, interrupt",
    "dead run of an operation that runs again": "look late, interrupt, 0 lines, 0 enter, 0 leave, "
    "0 save, 0 save own, 0 finish, restart, deliver, 4 claim, 0 lines, 0 enter, 0 leave, 0 save, "
    "0 save own, 0 poll, 0 finish, 4 lines, 4 leave, 4 finish, 4 lines",
    "resumed by itself after a restart": "look late, interrupt, look, restart, resume itself",
    "resumed by itself while it runs": "look late, interrupt, look, resume, deliver, 4 claim, "
    "resume itself",
    "resumed by itself too often": "look late, interrupt, look, resume itself, deliver, 4 claim, "
    "look late, interrupt, look, resume itself, deliver, 5 claim, look late, interrupt, look, "
    "resume itself, deliver, 6 claim, look late, interrupt, look, resume itself",
    "resumed by itself, but to be cancelled": "cancel, look late, interrupt, look, resume itself",
    "two resume at once": "look late, interrupt, resume, resume",
    "restarted while it runs": "restart, resume, 0 lines, 0 finish, restart, restart, 0 lines",
    "resumed while it runs": "0 finish 1, resume, resume, 0 lines, 0 save, deliver, 4 claim, "
    "resume",
    "ended twice": "0 finish, 0 finish 1, 0 lines",
    "another run of it has fallen silent": "look late, 0 finish, restart, deliver, 4 claim, wait, "
    "interrupt",
    "cancelled when it has ended": "0 finish, cancel",
    "cancelled while it waits, and claimed": "0 finish, restart, deliver, cancel, 4 claim",
    "handed over while it is claimed": "0 finish, restart, deliver, look very late, 4 claim, "
    "hand over, hand over",
    "handed over twice": "0 finish, restart, look very late, hand over, hand over",
    "one look is not enough": "reap",
    "lost by the broker": "0 finish, restart, lose",
    "log lines after a restart": "0 lines, 0 finish, restart, deliver, 4 claim, 4 lines",
    "enqueued while it runs": "wait, enqueue, 0 finish, enqueue, look very late, hand over",
    "delivered twice": "0 finish, restart, deliver twice, deliver, 4 claim, 5 claim, 1 claim",
}
"""Races that are rare among generated ones; a number is that of an executor, or of an end."""


@pytest.mark.parametrize("race", list(RACES))
@pytest.mark.usefixtures("site")
def test_a_race_breaks_no_rule(race: str) -> None:
    """Play one race against the model, on the operation that is resumed by itself."""
    machine = Interleavings()
    machine.create()
    Post.messages.clear()
    executors = list(machine.executors)
    for step in RACES[race].split(", "):
        which, _, deed = step.partition(" ")
        if which.isdigit():
            what, _, number = deed.partition(" ") if "finish" in deed else (deed, "", "")
            machine.do(executors[int(which)], what, int(number or 0))
        elif which == "deliver":
            machine.deliver("delivered twice" if deed else "delivered")
            executors.append(machine.executors[-1])
        elif which == "reap":
            machine.reap(0, STALE + 1, 0.0)
        elif which == "lose":
            Post.messages.clear()
        elif which == "wait":
            machine.clock.now += STALE + 1
        elif which == "enqueue":
            machine.enqueue_again(0)
        elif step in ACTIONS:
            machine.act(0, step, reload=True, rolled_back=False)
        else:
            machine.go_slowly("resume" if step == "resume itself" else step)
        machine.states_are_as_they_have_to_be()
        machine.numbers_only_grow()
    machine.teardown()


@pytest.mark.fault("interleavings")
@pytest.mark.usefixtures("site")
def test_no_interleaving_breaks_the_rules() -> None:
    """Play generated interleavings of executors, reapers and users against the model."""
    run_state_machine_as_test(Interleavings, settings=OFTEN)


@pytest.fixture
def site(transactional_db: None, settings: Any) -> Iterator[None]:
    """Use the post as broker; nobody watches."""
    settings.LIVEOPS = {
        "RUNNER": "tests.integration.interleaving.Post",
        "HEARTBEAT_SECONDS": HEARTBEAT,
        "STALE_SECONDS": STALE,
        "REQUEUE_SECONDS": REQUEUE,
    }
    settings.CHANNEL_LAYERS = {}
    yield
    connection.close()  # its clock is a hand clock


OFTEN = settings(
    max_examples=25,
    stateful_step_count=35,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

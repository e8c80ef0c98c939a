"""The rules of claim, fence, reaper and controls, as a model that plays beside the database.

The model knows who owns an operation and which state it has to be in. After every step the rows
must agree with it; a write by anybody but the owner must be refused and must leave every row of
the operation as it was.
"""

import uuid
from collections import Counter
from collections.abc import Callable

from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
)

from liveops.models import LiveOperation
from liveops.reaping import Reaper, Round
from liveops.states import State
from tests.engines.models import ResumingPlan, StagedPlan
from tests.integration.interleaving import (
    Executor,
    HandClock,
    Post,
    Seen,
    forget_everything,
    rows_of,
    select,
    specific,
)

STALE, HEARTBEAT, REQUEUE = 15.0, 5.0, 60.0


class Model(RuleBasedStateMachine):
    """Two operations, whose they are and what state they have to be in; what always holds."""

    def __init__(self) -> None:
        super().__init__()
        forget_everything()
        self.clock = HandClock()
        self.reapers = [Reaper(self.clock), Reaper(self.clock)]
        self.executors: list[Executor] = []
        self.pks: list[uuid.UUID] = []
        self.state: dict[uuid.UUID, State] = {}
        self.owner: dict[uuid.UUID, uuid.UUID | None] = {}
        self.heard: dict[uuid.UUID, float] = {}
        self.cancel_asked: set[uuid.UUID] = set()
        self.lines: dict[uuid.UUID, dict[int, str]] = {}
        self.frames: Counter[uuid.UUID] = Counter()
        self.resumed: Counter[uuid.UUID] = Counter()
        self.loaded: dict[uuid.UUID, LiveOperation] = {}
        self.seen = Seen()
        self.looks: Counter[int] = Counter()

    @initialize()
    def create(self) -> None:
        """Create an operation that is resumed by itself and one that is not; start both."""
        for model in (ResumingPlan, StagedPlan):
            operation = model.objects.create()
            operation.enqueue()
            self.pks.append(operation.pk)
            self.state[operation.pk], self.owner[operation.pk] = State.NOT_STARTED, None
            self.lines[operation.pk] = {}
            self.loaded[operation.pk] = specific(operation.pk)
            # Delivered twice: the first executor has claimed it, the second is about to.
            self.executors += [Executor(specific(operation.pk)), Executor(specific(operation.pk))]
            self.claim(self.executors[-2])

    def claim(self, executor: Executor) -> None:
        """Have an executor claim; it wins if the operation waits."""
        waits = self.state[executor.pk] is State.NOT_STARTED
        if self.accepts(executor.pk, executor.take, expected=waits):
            self.state[executor.pk] = State.STARTED
            self.owner[executor.pk] = executor.run_id
            self.heard[executor.pk] = self.clock.now
        else:
            self.executors.remove(executor)

    def take_in(self, found: Round) -> None:
        """Check what a reaper did, and note it."""
        for pk in [operation.pk for operation in found.interrupted]:
            assert self.state[pk] is State.STARTED
            assert self.clock.now - self.heard[pk] >= STALE
            self.state[pk], self.owner[pk] = State.INTERRUPTED, None
        for operation in found.resumed:
            self.note_resumed(operation.pk)
        for operation in found.handed_over:
            assert self.state[operation.pk] is State.NOT_STARTED

    def note_resumed(self, pk: uuid.UUID) -> None:
        """Check that an operation may be resumed by itself, and note that it was."""
        assert self.state[pk] is State.INTERRUPTED
        assert pk not in self.cancel_asked
        self.resumed[pk] += 1
        self.state[pk], self.owner[pk] = State.NOT_STARTED, None

    # What holds at any time

    @invariant()
    def states_are_as_they_have_to_be(self) -> None:
        """Compare each state with the model: nobody left or entered one on the quiet."""
        rows = select("id, state, run_id, resumes_left FROM liveops_liveoperation")
        assert {uuid.UUID(row[0]): row[1] for row in rows} == self.state
        for key, _, fence, left in rows:
            pk = uuid.UUID(key)
            assert (uuid.UUID(fence) if fence else None) == self.owner[pk]
            assert left is None or 0 <= left <= 3 - self.resumed[pk]

    @invariant()
    def numbers_only_grow(self) -> None:
        """Check that no frame number goes back, and that stored lines are those accepted."""
        for key, seq in select("operation_id, seq FROM liveops_liveprogress"):
            assert seq >= self.frames[uuid.UUID(key)]
            self.frames[uuid.UUID(key)] = seq
        for key, number, text in select("operation_id, seq, text FROM liveops_logline"):
            assert self.lines[uuid.UUID(key)][number] == text

    def teardown(self) -> None:
        """Kill all executors and start a good one: every operation must come to an end."""
        for _ in range(8):
            self.clock.now += 5_000
            self.take_in(self.reapers[0].round())
            self.clock.now += HEARTBEAT * 2
            self.take_in(self.reapers[0].round())
            while Post.messages:
                executor = Executor(specific(Post.messages.pop()))
                if executor.take():
                    assert executor.leave_stage()
                    assert executor.finish(State.FINISHED_OK)
                    self.state[executor.pk] = State.FINISHED_OK
            if all(state.is_final for state in self.state.values()):
                break
        lost = [state for state in self.state.values() if not state.is_final]
        assert not lost
        stored = select("id, state FROM liveops_liveoperation")
        assert {uuid.UUID(key): state for key, state in stored} == self.state

    @staticmethod
    def accepts(pk: uuid.UUID, write: Callable[[], bool], *, expected: bool | None = None) -> bool:
        """Write; it must be accepted as expected, and change nothing if it is refused."""
        before = rows_of(pk)
        accepted = write()
        assert expected is None or accepted == expected
        assert accepted or rows_of(pk) == before
        return accepted

"""The stage machine under generated sequences of calls, beside a model of its flow chart."""

import copy
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from tenacity import RetryCallState, RetryError

from liveops.stages import (
    RetryLimits,
    Stage,
    StageHost,
    StageState,
    identifier,
    make_stage,
    outcome_of,
)
from liveops.stages.declaration import (
    BEGIN,
    END,
    PHASES,
    POST,
    PRE,
    PREPARE_RETRY,
    RETRY_ERROR,
    SKIP,
)
from tests.unit.stage_model import ERRORS, KINDS, NAMES, Model, World, kind_of, may_enter

LEGAL = {
    None: {"active", "skipped"},
    "active": {"retrying", "done", "failed", "cancelled", "interrupted", "skipped"},
    "retrying": {"active", "failed", "cancelled", "interrupted"},
    # Its begin phase may have a stage run that was to be skipped, and any phase may raise.
    "skipped": {"skipped", "retrying", "done", "failed", "cancelled", "interrupted"},
}
"""The states that may follow each state of a stage, in one passage; what is not here is final."""


class Host(StageHost):
    """Notes what it is told, and which states follow from that."""

    def __init__(self, subject: "Subject") -> None:
        self.world = subject.world
        self.ending_errors = Exception if self.world.strict_ending else BaseException
        self.forgives_retry_errors = self.world.forgiving
        self.state: StageState | None = None

    def tell(self, what: str, state: StageState | None = None) -> None:
        """Note an event, and a move to another state."""
        self.world.events.append(what)
        if state is not None:
            assert state in LEGAL[self.state], f"{self.state} became {state}"
            self.state = state

    def selects(self, stage: Stage) -> bool:
        return stage.name in self.world.selected

    def limits(self, stage: Stage) -> RetryLimits:
        return stage.limits

    def wait(self, seconds: float) -> Awaitable[None] | None:
        self.tell("wait")
        return None

    def enter(self, stage: Stage) -> None:
        self.name = stage.name
        state = StageState.ACTIVE if self.selects(stage) else StageState.SKIPPED
        self.tell(f"enter {stage.name}", state)

    def begin_attempt(self, number: int, limits: RetryLimits) -> None:
        self.tell(f"attempt {number}", StageState.ACTIVE if number > 1 else None)

    def end_attempt(self) -> None:
        self.tell("attempt over")

    def retry(self, state: RetryCallState) -> None:
        self.tell("retry", StageState.RETRYING)

    def exhaust(self, error: RetryError) -> None:
        self.tell("exhausted")

    def leave(
        self, *, skipped: bool, exhausted: RetryError | None, error: BaseException | None
    ) -> None:
        state = outcome_of(error)
        if error is None and exhausted is not None:
            state = StageState.FAILED
        elif error is None and skipped:
            state = StageState.SKIPPED
        self.tell(f"leave {self.name}", state)


class Subject:
    """The instance whose stages are called; its phases do what the plans say."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.depth = 0
        self.methods: dict[str, Callable[..., Any]] = {}
        for phase in PHASES:
            setattr(self, phase, self.acting(phase))

    def act(self, what: str) -> str:
        """Do what is planned: return, or raise."""
        kind = self.world.act(what)
        if kind in ERRORS:
            error = ERRORS[kind]()
            raise error
        return kind

    def acting(self, what: str, then: str = "", *, coroutine: bool = False) -> Any:
        """Return a method that acts, and calls another one then."""

        def plain(*args: Any) -> None:
            self.act(what)
            if then:
                getattr(self, then)(*args)

        async def waiting(*args: Any) -> None:
            plain(*args)

        return waiting if coroutine else plain

    def define(self, name: str, more: int, *, coroutine: bool) -> None:
        """Make a stage."""

        def plain(subject: Subject) -> str:
            inner = subject.act(f"body {name}")
            subject.depth += 1
            try:
                if inner in NAMES and may_enter(subject.world, name, inner, subject.depth):
                    subject.methods[inner](subject)
            finally:
                subject.depth -= 1
            return name

        async def waiting(subject: Subject) -> str:
            inner = subject.act(f"body {name}")
            subject.depth += 1
            try:
                if inner in NAMES and may_enter(subject.world, name, inner, subject.depth):
                    called = subject.methods[inner](subject)
                    if inner in subject.world.coroutines:
                        await called
            finally:
                subject.depth -= 1
            return name

        stage = Stage(name, "", RetryLimits(more))
        self.methods[name] = make_stage(stage, waiting if coroutine else plain, Host)

    def call(self, name: str) -> str:
        """Call a stage; return ``fine`` or the error that it raised."""
        try:
            returned = self.methods[name](self)
            if name in self.world.coroutines:
                returned = driven(returned)
        except BaseException as error:  # noqa: BLE001
            return kind_of(error)
        assert returned in (name, None)
        return "fine"


def driven(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Return what a coroutine returns that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits for something")


names = st.sampled_from(NAMES)
phase_plans = st.dictionaries(
    st.tuples(st.sampled_from(PHASES), st.none() | names),
    st.lists(st.sampled_from(KINDS), min_size=1, max_size=3),
    max_size=3,
)
body_plans = st.dictionaries(
    names, st.lists(st.sampled_from([*KINDS, *NAMES]), min_size=1, max_size=4)
)


class StagesInAnyOrder(RuleBasedStateMachine):
    """Declares stages and phases, plans what they do, and calls them, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.subject = Subject(self.world)

    @initialize(
        strict=st.booleans(), forgiving=st.booleans(), more=st.integers(0, 3), wait=st.booleans()
    )
    def choose(self, strict: bool, forgiving: bool, more: int, wait: bool) -> None:
        """Choose what differs between hosts, and declare the first stage."""
        self.world.strict_ending, self.world.forgiving = strict, forgiving
        self.define(NAMES[0], more, wait)

    @rule(name=st.sampled_from(NAMES[1:]), more=st.integers(0, 3), wait=st.booleans())
    def define(self, name: str, more: int, wait: bool) -> None:
        """Declare a stage, if there is none of that name."""
        if name not in self.world.tries:
            self.world.tries[name] = more + 1
            self.world.selected.add(name)
            if wait:
                self.world.coroutines.add(name)
            self.subject.define(name, more, coroutine=wait)

    @rule(phase=st.sampled_from(PHASES), name=names, extends=st.booleans(), wait=st.booleans())
    def customise(self, phase: str, name: str, extends: bool, wait: bool) -> None:
        """Customise a phase for one stage."""
        method = f"{phase}_{identifier(name)}"
        self.world.custom[method] = extends
        coroutine = wait and name in self.world.tries and name in self.world.coroutines
        then = phase if extends else ""
        setattr(self.subject, method, self.subject.acting(method, then, coroutine=coroutine))

    @rule(selected=st.sets(names))
    def select(self, selected: set[str]) -> None:
        """Choose the stages to run."""
        self.world.selected = selected

    @rule(data=st.data(), phases=phase_plans, bodies=body_plans)
    def call(
        self, data: st.DataObject, phases: dict[Any, list[str]], bodies: dict[str, list[str]]
    ) -> None:
        """Plan what phases and bodies do, and call a stage: it must do what the model says."""
        for (phase, name), plan in phases.items():
            self.world.plans[f"{phase}_{identifier(name)}" if name else phase] = plan
        for name, plan in bodies.items():
            self.world.plans[f"body {name}"] = plan
        name = data.draw(st.sampled_from(sorted(self.world.tries)))
        self.world.events.clear()
        model = Model(copy.deepcopy(self.world))
        expected = model.passage(name)
        assert self.subject.call(name) == expected
        assert self.world.events == model.world.events
        assert self.world.selected == model.world.selected
        for entered, told in passages(self.world.events):
            assert_in_order(told, self.world.tries[entered])


def passages(events: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield name and events of each passage as it ends; the last one entered ends first."""
    under_way: list[tuple[str, list[str]]] = []
    for event in events:
        if event.startswith("enter "):
            under_way.append((event.removeprefix("enter "), []))
        elif event.startswith("leave "):
            name, told = under_way.pop()
            assert name == event.removeprefix("leave ")
            yield name, told
        else:
            under_way[-1][1].append(event)
    assert under_way == []


def assert_in_order(told: list[str], tries: int) -> None:
    """Check what holds of every passage, whatever its phases do."""
    marks = [event for event in told if event.startswith("attempt") or event == "retry"]
    rounds = "".join({"attempt over": ")", "retry": "r"}.get(mark, "(") for mark in marks)
    assert re.fullmatch(r"(\(\)(r\(\))*r?)?", rounds), marks
    assert rounds.count("(") <= tries
    numbers = [int(mark.split()[1]) for mark in marks if mark.split()[-1].isdigit()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert sum(event.startswith("body ") for event in told) <= len(numbers)
    for phase in (PRE, POST, RETRY_ERROR):
        assert told.count(phase) <= 1
    for phase in (BEGIN, SKIP, END):
        assert told.count(phase) <= len(numbers)
    assert sum(event.startswith(PREPARE_RETRY) for event in told) <= 2 * rounds.count("r")
    assert told.count("wait") <= rounds.count("r")


TestStagesInAnyOrder = StagesInAnyOrder.TestCase
TestStagesInAnyOrder.settings = settings(max_examples=150, stateful_step_count=20)

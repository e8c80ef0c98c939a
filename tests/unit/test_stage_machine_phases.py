"""The phases of a stage: default, overridden, extended, and customised for one stage."""

from itertools import product
from typing import Any

import pytest
from tenacity import RetryCallState, Retrying

from liveops.stages import RetryLimits, RetryStage
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
from tests.unit.stage_owner import Owner, Script, attempts, stage

SHORT = {
    PRE: "pre",
    BEGIN: "begin Building",
    SKIP: "skip",
    END: "end",
    PREPARE_RETRY: "prepare 1",
    RETRY_ERROR: "handle 2",
    POST: "post",
}
"""What each phase writes into the trace when the stage is tried twice."""


def reaching(phase: str, kind: type[Owner] = Script) -> Any:
    """Return a script in whose stage the phase is carried out."""
    if phase == SKIP:
        return kind("never", selected=False)
    return kind(RetryStage("not yet"), limits=attempts(1))


def usual(phase: str) -> list[str]:
    """Return the phases that such a script goes through."""
    script = reaching(phase)
    script.build()
    phases: list[str] = script.phases
    return phases


@pytest.mark.parametrize("phase", PHASES)
def test_a_phase_can_be_overridden(phase: str) -> None:
    kind = type("Own", (Script,), {phase: lambda self, *args: self.trace.append("own")})
    script = reaching(phase, kind)
    script.build()
    own = ["own" if entry == SHORT[phase] else entry for entry in usual(phase)]
    assert script.phases == own
    assert "own" in own


@pytest.mark.parametrize("phase", PHASES)
def test_a_phase_can_be_extended(phase: str) -> None:
    def extended(self: Any, *args: Any) -> None:
        self.trace.append("before")
        getattr(super(kind, self), phase)(*args)
        self.trace.append("after")

    kind: Any = type("Extended", (Script,), {phase: extended})
    script = reaching(phase, kind)
    script.build()
    parts = [["before", x, "after"] if x == SHORT[phase] else [x] for x in usual(phase)]
    assert script.phases == [entry for part in parts for entry in part]


@pytest.mark.parametrize("phase", PHASES)
def test_a_phase_customised_for_one_stage_replaces_the_general_one(phase: str) -> None:
    custom = {f"{phase}_build": lambda self, *args: self.trace.append("custom")}
    script = reaching(phase, type("Custom", (Script,), custom))
    script.build()
    assert script.phases == ["custom" if x == SHORT[phase] else x for x in usual(phase)]


@pytest.mark.parametrize("phase", PHASES)
def test_a_customised_phase_may_call_the_general_one(phase: str) -> None:
    def custom(self: Any, *args: Any) -> None:
        self.trace.append("custom")
        getattr(self, phase)(*args)

    own = {f"{phase}_build": custom, phase: lambda self, *args: self.trace.append("own")}
    script = reaching(phase, type("Custom", (Script,), own))
    script.build()
    parts = [["custom", "own"] if x == SHORT[phase] else [x] for x in usual(phase)]
    assert script.phases == [entry for part in parts for entry in part]


@pytest.mark.parametrize("phase", PHASES)
def test_what_is_customised_for_another_stage_is_left_alone(phase: str) -> None:
    custom = {f"{phase}_builds": None, f"{phase}_rebuild": pytest.fail, f"{phase}_": pytest.fail}
    script = reaching(phase, type("Custom", (Script,), custom))
    script.build()
    assert script.phases == usual(phase)


@pytest.mark.parametrize("phase", PHASES)
def test_a_phase_is_looked_up_on_the_instance(phase: str) -> None:
    script = reaching(phase)
    setattr(script, phase, lambda *args: script.trace.append("mine"))
    script.build()
    assert "mine" in script.phases
    other = reaching(phase)
    setattr(other, f"{phase}_build", lambda *args: other.trace.append("mine"))
    other.build()
    assert other.phases == script.phases


@pytest.mark.parametrize("nothing", [None, 0, ""])
def test_a_customised_phase_that_is_nothing_counts_as_none(nothing: Any) -> None:
    script = Script("built")
    for phase in PHASES:
        setattr(script, f"{phase}_build", nothing)
    script.build()
    assert script.phases == ["pre", "begin Building", "body", "end", "post"]


def test_a_phase_that_changes_on_the_way_is_taken_as_it_is_then() -> None:
    class Changing(Script):
        def _run_pre_stage_actions(self) -> None:
            self._end_stage_build = lambda: self.trace.append("end as of pre")

        def _prepare_to_retry_stage(self, retry_state: RetryCallState) -> None:
            self._end_stage_build = lambda: self.trace.append("end as of prepare")

    script = Changing(RetryStage(), "built", limits=attempts(1))
    script.build()
    assert [p for p in script.phases if p.startswith("end")] == [
        "end as of pre",
        "end as of prepare",
    ]


def test_a_name_of_several_words_is_customised_by_its_identifier_form() -> None:
    class Words(Owner):
        @stage("Save to DB!", "Saving")
        def save(self) -> Any:
            return self.body()

        def _begin_stage_save_to_db(self, heading: str) -> None:
            self.trace.append(f"custom {heading}")

    script = Words("saved")
    script.save()
    assert script.phases == ["pre", "custom Saving", "body", "end", "post"]


def test_a_name_without_an_identifier_form_has_the_general_phases() -> None:
    class Foreign(Owner):
        @stage("…", "Waiting")
        def wait(self) -> Any:
            return self.body()

    script = Foreign("done")
    assert script.wait() == "done"
    assert script.phases == ["pre", "begin Waiting", "body", "end", "post"]


def test_two_stages_of_a_class_are_customised_apart() -> None:
    class Two(Script):
        @stage("test", "Testing")
        def test(self) -> Any:
            return self.body()

        def _run_pre_stage_actions_build(self) -> None:
            self.trace.append("pre of build")

        def _run_post_stage_actions_test(self) -> None:
            self.trace.append("post of test")

    script = Two("done")
    script.build()
    script.test()
    assert script.phases == [
        *["pre of build", "begin Building", "body", "end", "post"],
        *["pre", "begin Testing", "body", "end", "post of test"],
    ]


def test_a_customised_phase_is_inherited_and_extended() -> None:
    class Base(Script):
        def _begin_stage_build(self, heading: str) -> None:
            self.trace.append(f"base {heading}")

    class Derived(Base):
        def _begin_stage_build(self, heading: str) -> None:
            super()._begin_stage_build(heading.upper())
            self.trace.append("derived")

    script = Derived("built")
    script.build()
    assert script.phases == ["pre", "base BUILDING", "derived", "body", "end", "post"]


@pytest.mark.parametrize("selected", [True, False])
def test_any_customised_phases_go_together(selected: bool) -> None:
    names = (PRE, BEGIN, SKIP, END, POST)
    middle = "body" if selected else SHORT[SKIP]
    for chosen in product([True, False], repeat=len(names)):
        script = Script("built", selected=selected)
        for phase, own in zip(names, chosen, strict=True):
            if own:
                note = f"own {SHORT[phase]}"
                setattr(script, f"{phase}_build", lambda *_, s=script, n=note: s.trace.append(n))
        script.build()
        plain = [entry.removeprefix("own ") for entry in script.phases]
        assert plain == ["pre", "begin Building", middle, "end", "post"]
        used = {SHORT[phase] for phase, own in zip(names, chosen, strict=True) if own}
        expected = used & {"pre", "begin Building", middle, "end", "post"}
        assert {p.removeprefix("own ") for p in script.phases if "own" in p} == expected


def test_what_tenacity_counts_is_there_for_the_phases_of_retrying() -> None:
    states: list[Any] = []
    statistics: list[dict[str, Any]] = []

    class Curious(Script):
        def _prepare_to_retry_stage(self, retry_state: RetryCallState) -> None:
            assert retry_state.outcome is not None
            error = retry_state.outcome.exception()
            states.append((retry_state.attempt_number, retry_state.upcoming_sleep, str(error)))
            assert retry_state.seconds_since_start is not None
            assert retry_state.args == (self,)

        def _handle_stage_retry_error(self, retry: Retrying) -> None:
            statistics.append(dict(retry.statistics))

    script = Curious(RetryStage("one"), RetryStage("two"), RetryStage("three"), limits=attempts(2))
    script.build()
    assert states == [(1, 2.0, "one"), (2, 2.0, "two")]
    (counted,) = statistics
    assert counted["attempt_number"] == 3
    assert counted["idle_for"] == 4.0
    assert counted["delay_since_first_attempt"] >= 0
    assert counted["start_time"] > 0


def test_a_timeout_of_zero_leaves_one_attempt() -> None:
    script = Script(RetryStage(), limits=RetryLimits(attempts=5, timeout=0))
    assert script.build() is None
    assert script.phases == ["pre", "begin Building", "body", "end", "handle 1", "post"]

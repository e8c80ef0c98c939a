"""`stages_to_run`: which stages of an operation run, and what cannot be asked for."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

from liveops import control
from liveops.exceptions import ConfigurationError, InvalidStateError
from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.progress.pumps import Pump
from liveops.testing import run_operation
from tests.integration.running import ending
from tests.integration.test_stage_methods import PUMPS, carry_out, recorded, shown
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db(transaction=True)


class Ran:
    """Notes what user code ran; the base of the operations here."""

    ran: ClassVar[list[str]] = []


class Choosing(Ran, Scripted):
    """Three stage methods."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["build", "Run tests", "publish"]
    run = LiveOperation.run

    @LiveOperation.stage("build", "Building")
    def build(self, p: Progress) -> None:
        """Build."""
        self.ran.append("build")

    @LiveOperation.stage("Run tests", "Testing")
    def test(self, p: Progress) -> None:
        """Test."""
        self.ran.append("test")

    @LiveOperation.stage("publish", "Publishing")
    def publish(self, p: Progress) -> None:
        """Publish."""
        self.ran.append("publish")


class Selective(Ran, Scripted):
    """A block, a loop of attempts and a method."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["Load", "Save", "publish"]

    def run(self, p: Progress) -> None:
        """Enter the stages."""
        self.ran.append("run")
        with p.stage("Load"):
            self.ran.append("load")
        for attempt in p.attempts("Save", retry_attempts=1):
            with attempt:
                self.ran.append("save")
        self.publish(p)

    @LiveOperation.stage("publish", "Publishing")
    def publish(self, p: Progress) -> None:
        """Publish."""
        self.ran.append("publish")


@pytest.fixture(autouse=True)
def ran() -> Iterator[list[str]]:
    """Return what user code ran."""
    Ran.ran.clear()
    yield Ran.ran
    Ran.ran.clear()


@pytest.mark.parametrize("pump", PUMPS)
@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (None, ["build", "test", "publish"]),
        ([], []),
        (["run_tests"], ["test"]),
        (("publish", "build"), ["build", "publish"]),
        ({"Run tests"}, ["test"]),
        (frozenset({"publish"}), ["publish"]),
    ],
    ids=["all", "none", "form", "tuple", "set", "frozenset"],
)
def test_the_others_are_skipped(
    pump: Callable[[], Pump], selection: Any, expected: list[str], ran: list[str]
) -> None:
    operation, recorder = carry_out(Choosing, pump(), stages_to_run=selection)
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert ran == expected
    names = {"build": "build", "Run tests": "test", "publish": "publish"}
    states = {name: "done" if word in expected else "skipped" for name, word in names.items()}
    assert operation.stage_states == states
    assert recorded(operation) == [(name, 1, state) for name, state in states.items()]
    assert operation.current_stage == 2
    first = {name: state for name, state, *_ in reversed(shown(recorder))}
    assert first == {n: "active" if s == "done" else "skipped" for n, s in states.items()}
    assert operation.log_lines.count() == list(states.values()).count("skipped")


@pytest.mark.parametrize(
    ("selection", "sentence"),
    [
        (["biuld"], "There is no stage 'biuld'. Did you mean 'build'?"),
        (["build", "zzz"], "There is no stage 'zzz'. Stages: build, Run tests, publish"),
        ("build", "stages_to_run must be a list of stage names or None, not 'build'."),
        ([1], "stages_to_run must hold names of stages; got 1."),
        (3, "stages_to_run must be a list of stage names or None, not 3."),
    ],
    ids=["typo", "unknown", "text", "number-in-list", "number"],
)
def test_what_cannot_be_is_refused_before_anything_runs(
    selection: Any, sentence: str, ran: list[str]
) -> None:
    operation, _ = carry_out(Choosing, stages_to_run=selection)
    assert operation.get_state() == "FINISHED_ERROR"
    assert operation.live_progress.error_text.startswith(sentence)
    assert ran == []
    assert operation.stage_states == {}
    other = Choosing.objects.create(stages_to_run=selection)
    with pytest.raises(ConfigurationError) as caught:
        other.enqueue()
    assert str(caught.value).startswith(sentence)
    assert other.get_state() == "NOT_STARTED"


def test_a_block_cannot_be_left_out(ran: list[str]) -> None:
    operation, _ = carry_out(Selective, stages_to_run=["Save", "publish"])
    assert operation.get_state() == "FINISHED_ERROR"
    assert operation.live_progress.error_text.startswith("The stage 'Load' cannot be skipped")
    assert ran == []
    assert recorded(operation) == []
    with pytest.raises(ConfigurationError, match="'Load' cannot be skipped"):
        Selective.objects.create(stages_to_run=["Save"]).enqueue()


@pytest.mark.parametrize("pump", PUMPS)
def test_a_loop_of_attempts_and_a_method_can_be_left_out(
    pump: Callable[[], Pump], ran: list[str]
) -> None:
    operation, recorder = carry_out(Selective, pump(), stages_to_run=["load"])
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert ran == ["run", "load"]
    assert operation.stage_states == {"Load": "done", "Save": "skipped", "publish": "skipped"}
    assert recorded(operation) == [
        ("Load", 1, "done"),
        ("Save", 1, "skipped"),
        ("publish", 1, "skipped"),
    ]
    assert ("Save", "skipped") in [(name, state) for name, state, *_ in shown(recorder)]


def test_a_block_that_is_left_out_on_the_way_is_told_then(ran: list[str]) -> None:
    class Late(Selective):
        class Meta:
            proxy = True
            app_label = "testapp"

        def run(self, p: Progress) -> None:
            self.stages_to_run = ["Save"]
            left_out = pytest.raises(InvalidStateError, match="leaves out 'Load', but a with block")
            with left_out, p.stage("Load"):
                self.ran.append("load")
            with p.stage("Something else"):
                self.ran.append("else")
            self.publish(p)

    outcome = run_operation(Late.objects.create())
    assert outcome.state == "FINISHED_OK", outcome
    assert ran == ["else"]
    assert outcome.stages == {"publish": "skipped"}


class Deciding(Choosing):
    """Decides in a phase what the stages after it are."""

    class Meta:
        proxy = True
        app_label = "testapp"

    run = LiveOperation.run

    def _run_post_stage_actions_build(self) -> None:
        self.stages_to_run = ["publish"]

    def _begin_stage_publish(self, heading: str) -> None:
        self.stages_to_run = []

    def _skip_stage(self) -> None:
        self.ran.append(f"skip {self.stages_to_run}")


def test_a_selection_that_changes_on_the_way_is_heeded(ran: list[str]) -> None:
    outcome = run_operation(Deciding.objects.create())
    assert outcome.state == "FINISHED_OK", outcome
    assert ran == ["build", "skip ['publish']", "skip []"]
    assert outcome.stages == {
        "build": "done",
        "Run tests": "skipped",
        "publish": "skipped",
    }


class Reviving(Choosing):
    """Has its first stage run although it was to be skipped."""

    class Meta:
        proxy = True
        app_label = "testapp"

    run = LiveOperation.run

    def _begin_stage_build(self, heading: str) -> None:
        self.stages_to_run = ["build"]


def test_a_stage_that_its_begin_phase_takes_back_in_is_done(ran: list[str]) -> None:
    outcome = run_operation(Reviving.objects.create(), stages_to_run=[])
    assert outcome.state == "FINISHED_OK", outcome
    assert ran == ["build"]
    assert outcome.stages["build"] == "done"


@pytest.mark.parametrize("selection", [["build"], ("build",), {"build"}])
def test_it_is_stored_for_a_runner_elsewhere(selection: Any, settings: Any, ran: list[str]) -> None:
    settings.LIVEOPS = {"RUNNER": "thread"}
    operation = Choosing.objects.create()
    operation.stages_to_run = selection
    operation.enqueue()  # which saves the selection, since runners load the operation anew
    ended = ending(operation)
    assert ended.get_state() == "FINISHED_OK", ended.traceback
    assert ended.stages_to_run == ["build"]
    assert ran == ["build"]


def test_a_restart_runs_the_same_stages(ran: list[str]) -> None:
    operation, _ = carry_out(Choosing, stages_to_run=["publish"])
    control.restart(operation)
    assert ran == ["publish", "publish"]
    assert Choosing.objects.get().stages_to_run == ["publish"]

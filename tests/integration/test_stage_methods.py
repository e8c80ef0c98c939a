"""Stage methods of an operation: what is saved and shown, and what their phases may use."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from django.db import connection
from django.db.models.signals import post_save
from django.test.utils import CaptureQueriesContext

from liveops.exceptions import InvalidStateError, OperationCancelled
from liveops.models import LiveOperation, StageRun
from liveops.progress import Progress
from liveops.progress.pumps import InlinePump, Pump, threaded_pump
from liveops.runners.executor import execute
from liveops.sinks.recording import RecordingSink
from tests.testapp.models import Row, Scripted

pytestmark = pytest.mark.django_db(transaction=True)

PUMPS = [pytest.param(InlinePump, id="inline"), pytest.param(threaded_pump, id="threaded")]


def carry_out(
    model: type[LiveOperation], pump: Pump | None = None, **fields: Any
) -> tuple[Any, RecordingSink]:
    """Run an operation of its stage methods; return it as stored, and what was shown."""
    recorder = RecordingSink()
    operation = model._default_manager.create(**fields)
    execute(operation, pump=pump or InlinePump(), sinks=[recorder], web=False)
    return model._default_manager.get(pk=operation.pk), recorder


def shown(recorder: RecordingSink) -> list[tuple[str, str, int, int]]:
    """Return name, state, attempt and tries of each stage boundary."""
    changes = [update.stage for update in recorder.updates if update.stage]
    return [(c.name, str(c.state), c.attempt, c.tries) for c in changes]


def recorded(operation: LiveOperation) -> list[tuple[str, int, str]]:
    """Return stage, attempt and outcome of each recorded attempt, each in its time."""
    rows = list(StageRun.objects.filter(operation=operation))
    assert all(row.started_on <= row.finished_on for row in rows)
    return [(row.stage, row.attempt, row.outcome) for row in rows]


class Release(Scripted):
    """Does in each stage what the test says: an exception is raised, a function called."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["build", "Run tests", "publish"]
    acts: ClassVar[dict[str, Any]] = {}
    run = LiveOperation.run

    @LiveOperation.stage("build", "Building the image")
    def build(self, p: Progress) -> Any:
        """Build."""
        return self.act("build", p)

    @LiveOperation.stage("Run tests", "Testing it")
    def test(self, p: Progress) -> Any:
        """Test."""
        return self.act("Run tests", p)

    @LiveOperation.stage("publish", "")
    def publish(self, p: Progress) -> Any:
        """Publish."""
        return self.act("publish", p)

    def act(self, name: str, p: Progress) -> Any:
        """Do what the test says."""
        act = self.acts.get(name)
        if isinstance(act, BaseException):
            raise act
        return act(self, p) if callable(act) else act


@pytest.fixture(autouse=True)
def acts() -> Iterator[dict[str, Any]]:
    """Return what each stage is to do; nothing at first."""
    Release.acts = {}
    yield Release.acts
    Release.acts = {}


@pytest.mark.parametrize("pump", PUMPS)
def test_stage_methods_run_in_order_each_with_the_progress(
    pump: Callable[[], Pump], acts: dict[str, Any]
) -> None:
    seen: list[Any] = []
    for name in Release.stages:
        acts[name] = lambda op, p: seen.append((op.stage_states, p, op.progress))
    operation, recorder = carry_out(Release, pump())
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert [states for states, *_ in seen] == [
        {"build": "active"},
        {"build": "done", "Run tests": "active"},
        {"build": "done", "Run tests": "done", "publish": "active"},
    ]
    assert all(p is own and isinstance(p, Progress) for _, p, own in seen)
    assert operation.current_stage == 2
    assert operation.stage_states == dict.fromkeys(Release.stages, "done")
    assert recorded(operation) == [(name, 1, "done") for name in Release.stages]
    assert shown(recorder) == [
        (name, state, 1, 1) for name in Release.stages for state in ("active", "done")
    ]
    assert all(not update.view.stage_attempts for update in recorder.updates)


@pytest.mark.parametrize("pump", PUMPS)
def test_each_boundary_is_saved_before_it_is_shown(
    pump: Callable[[], Pump], acts: dict[str, Any]
) -> None:
    saves: list[Any] = []

    def note(sender: Any, update_fields: Any, **_: Any) -> None:
        saves.append(update_fields and set(update_fields))

    def look(op: Any, p: Progress) -> None:
        row = Release.objects.get(pk=op.pk)
        assert (row.current_stage, row.stage_states) == (op.current_stage, op.stage_states)

    acts.update(dict.fromkeys(Release.stages, look))
    post_save.connect(note, sender=Release)
    try:
        operation, _ = carry_out(Release, pump())
    finally:
        post_save.disconnect(note, sender=Release)
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert saves == [None] + [{"current_stage", "stage_states"}] * 6


def test_the_heading_becomes_the_status_and_an_empty_one_leaves_it(acts: dict[str, Any]) -> None:
    seen: list[str] = []

    def look(op: Any, p: Progress) -> None:
        p._run.flush()
        seen.append(p._run.snapshot()[0].status_text)

    acts.update(dict.fromkeys(Release.stages, look))
    carry_out(Release)
    assert seen == ["Building the image", "Testing it", "Testing it"]


@pytest.mark.parametrize("pump", PUMPS)
@pytest.mark.parametrize(
    ("error", "outcome", "state"),
    [
        (ValueError("no"), "failed", "FINISHED_ERROR"),
        (OperationCancelled(), "cancelled", "CANCELLED"),
    ],
    ids=["error", "cancel"],
)
def test_a_stage_that_raises_is_the_last(
    pump: Callable[[], Pump],
    acts: dict[str, Any],
    error: BaseException,
    outcome: str,
    state: str,
) -> None:
    acts["Run tests"] = error
    acts["publish"] = lambda op, p: pytest.fail("never reached")
    operation, recorder = carry_out(Release, pump())
    assert operation.get_state() == state
    assert operation.stage_states == {"build": "done", "Run tests": outcome}
    assert recorded(operation) == [("build", 1, "done"), ("Run tests", 1, outcome)]
    assert shown(recorder)[-1] == ("Run tests", outcome, 1, 1)


@pytest.mark.parametrize("signal", [KeyboardInterrupt, SystemExit])
def test_a_process_that_goes_down_interrupts_the_stage(
    signal: type[BaseException], acts: dict[str, Any]
) -> None:
    acts["build"] = signal()
    with pytest.raises(signal):
        carry_out(Release)
    operation = Release.objects.get()
    assert operation.get_state() == "INTERRUPTED"
    assert operation.stage_states == {"build": "interrupted"}
    assert recorded(operation) == [("build", 1, "interrupted")]


def test_outside_a_run_there_is_no_progress_and_no_stage() -> None:
    operation: Any = Release.objects.create()
    for use in (lambda: operation.progress, lambda: operation.build(None)):
        with pytest.raises(InvalidStateError, match="Release is not running here"):
            use()
    execute(operation, pump=InlinePump(), web=False)
    with pytest.raises(InvalidStateError, match="has no progress"):
        _ = operation.progress
    assert operation.stage_states == dict.fromkeys(Release.stages, "done")


class Attentive(Release):
    """Uses its progress in every phase of a stage that is not skipped or retried."""

    class Meta:
        proxy = True
        app_label = "testapp"

    run = LiveOperation.run

    def _run_pre_stage_actions(self) -> None:
        self.progress.log("pre")

    def _begin_stage(self, heading: str) -> None:
        super()._begin_stage(heading)
        self.progress.log(f"begin: {heading}")

    def _begin_stage_run_tests(self, heading: str) -> None:
        self.progress.log(f"for tests: {heading}")

    def _end_stage(self) -> None:
        self.progress.log("end")

    def _run_post_stage_actions_publish(self) -> None:
        Row.objects.create(name="published")
        self.progress.log("post")


@pytest.mark.parametrize("pump", PUMPS)
def test_phases_use_progress_and_database(pump: Callable[[], Pump]) -> None:
    operation, _ = carry_out(Attentive, pump())
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert list(operation.log_lines.values_list("stage", "text")) == [
        ("build", "pre"),
        ("build", "begin: Building the image"),
        ("build", "end"),
        ("Run tests", "pre"),
        ("Run tests", "for tests: Testing it"),
        ("Run tests", "end"),
        ("publish", "pre"),
        ("publish", "begin: "),
        ("publish", "end"),
        ("publish", "post"),
    ]
    assert Row.objects.get().name == "published"


def test_a_stage_in_a_stage_and_what_follows_it(acts: dict[str, Any]) -> None:
    def build(op: Any, p: Progress) -> None:
        p.log("before")
        with p.stage("publish"):
            p.log("inside")
        p.log("after")

    acts["build"] = build
    operation, _ = carry_out(Release)
    assert list(operation.log_lines.values_list("stage", "text")) == [
        ("build", "before"),
        ("publish", "inside"),
        ("build", "after"),
    ]
    assert recorded(operation)[:2] == [("publish", 1, "done"), ("build", 1, "done")]


def test_a_stage_costs_two_updates_of_the_operation_and_a_skipped_one_costs_one() -> None:
    counts: dict[str, Any] = {}

    class Counting(Release):
        class Meta:
            proxy = True
            app_label = "testapp"

        def run(self, p: Progress) -> None:
            self.build(p)  # begin with nothing pending
            for method in (self.test, self.publish):
                with CaptureQueriesContext(connection) as captured:
                    method(p)
                counts[method.__name__] = [q["sql"] for q in captured.captured_queries]

    operation, _ = carry_out(Counting, stages_to_run=["build", "Run tests"])
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert operation.stage_states["publish"] == "skipped"
    for name, expected in (("test", 2), ("publish", 1)):
        updates = [s for s in counts[name] if s.startswith('UPDATE "liveops_liveoperation"')]
        inserts = [s for s in counts[name] if s.startswith('INSERT INTO "liveops_stagerun"')]
        assert len(updates) == expected, counts[name]
        assert len(inserts) <= 1, counts[name]
    assert ("publish", 1, "skipped") in recorded(operation)

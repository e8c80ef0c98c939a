"""A run inside `transaction.atomic()` on SQLite: live while it is open, right after its end."""

import threading
from typing import Any

import pytest
from django.db import transaction

from liveops import registry, snapshot, store
from liveops.models import LiveOperation, LogLine
from liveops.progress import Progress
from liveops.progress.pumps import InlinePump, threaded_pump
from liveops.progress.update import Region, Update
from liveops.runners.executor import execute
from tests.integration.helpers import run_scripted
from tests.testapp.models import Row, Scripted

pytestmark = pytest.mark.django_db(transaction=True)

PUMPS = [pytest.param(InlinePump, id="inline"), pytest.param(threaded_pump, id="threaded")]


class Rollback(Exception):
    """Ends a block whose rows are to be taken back."""


class Watching:
    """A sink that lets user code wait until something was shown."""

    def __init__(self) -> None:
        self.updates: list[Update] = []
        self._changed = threading.Condition()

    def emit(self, update: Update) -> None:
        with self._changed:
            self.updates.append(update)
            self._changed.notify_all()

    def close(self) -> None:
        pass

    def wait(self, what: Any) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: any(map(what, self.updates)), timeout=20)

    def has(self, what: Any) -> bool:
        return any(map(what, list(self.updates)))


def tick(p: Progress) -> None:
    """Let an inline pump believe that its next tick has come."""
    p._run.throttle.hurry()


@pytest.mark.parametrize("pump", PUMPS)
@pytest.mark.parametrize("rolls_back", [False, True], ids=["commit", "rollback"])
def test_live_during_it_and_stages_after_it(pump: Any, rolls_back: bool) -> None:
    watcher = Watching()

    def stages_shown(update: Update) -> bool:
        return dict(update.view.stage_states).get("Validate") == "done"

    def body(op: Scripted, p: Progress) -> None:
        try:
            with transaction.atomic():
                Row.objects.create(name="mine")
                with p.stage("Validate"):
                    tick(p)
                    p.status("half-way")
                    watcher.wait(lambda u: u.view.status_text == "half-way")
                    tick(p)
                    p.percent(50)
                    watcher.wait(lambda u: u.view.percent == 50)
                    tick(p)
                    p.log("from inside")
                    watcher.wait(lambda u: any(x.text == "from inside" for x in u.lines))
                assert not watcher.has(stages_shown), "not committed, so not shown"
                if rolls_back:
                    raise Rollback
        except Rollback:
            p.log("rolled back")
        with p.stage("Save"):
            watcher.wait(stages_shown)
        p.result({"rows": Row.objects.count()})

    operation, _ = run_scripted(body, pump=pump(), sinks=[watcher])
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert operation.result_context == {"rows": 0 if rolls_back else 1}
    assert operation.stage_states == {"Validate": "done", "Save": "done"}
    assert [r.stage for r in operation.stage_runs.all()] == ["Validate", "Save"]
    texts = list(operation.log_lines.values_list("text", flat=True))
    assert texts == ["from inside", "rolled back"] if rolls_back else ["from inside"]
    assert operation.live_progress.status_text == "half-way"


@pytest.mark.parametrize("pump", PUMPS)
def test_a_run_that_is_all_one_transaction_and_fails(pump: Any) -> None:
    @transaction.atomic
    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            Row.objects.create(name="mine")
            p.log("working")
        with p.stage("Save"):
            raise ValueError("broken")

    operation, recorder = run_scripted(body, pump=pump())
    assert Row.objects.count() == 0
    assert operation.get_state() == "FINISHED_ERROR"
    assert operation.stage_states == {"Load": "done", "Save": "failed"}
    assert [(r.stage, r.outcome) for r in operation.stage_runs.all()] == [
        ("Load", "done"),
        ("Save", "failed"),
    ]
    assert list(operation.log_lines.values_list("text", flat=True)) == ["working"]
    last = recorder.updates[-1]
    assert last.finished is not None
    assert dict(last.view.stage_states) == {"Load": "done", "Save": "failed"}
    assert Region.STAGES in last.regions


@pytest.mark.parametrize("pump", PUMPS)
def test_a_block_that_breaks_its_transaction_keeps_its_own_error(pump: Any) -> None:
    def body(op: Scripted, p: Progress) -> None:
        with transaction.atomic(), p.stage("Save"):
            Row.objects.create(pk=1, name="first")
            Row.objects.create(pk=1, name="again")

    operation, _ = run_scripted(body, pump=pump())
    assert "IntegrityError" in operation.traceback
    assert "TransactionManagementError" not in operation.traceback
    assert operation.stage_states == {"Save": "failed"}


def test_a_refresh_in_the_middle_shows_what_is_not_saved_yet() -> None:
    inside = threading.Event()
    go_on = threading.Event()

    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Save"), transaction.atomic():
            Row.objects.create(name="mine")
            p.status("writing")
            p.percent(42)
            p.log("line one")
            p._run.flush()
            inside.set()
            assert go_on.wait(20)

    Scripted.body = body
    operation = Scripted.objects.create()
    thread = threading.Thread(target=_run_and_close, args=(operation,))
    thread.start()
    try:
        assert inside.wait(20)
        fresh = LiveOperation.objects.get(pk=operation.pk)
        taken = snapshot.take(fresh)
        assert (taken.view.status_text, taken.view.percent) == ("writing", 42)
        assert dict(taken.view.stage_states) == {"Save": "active"}
        assert [line.text for line in taken.lines] == ["line one"]
        assert not LogLine.objects.exists(), "SQLite's one writer is the user's transaction"
    finally:
        go_on.set()
        thread.join(20)
    assert registry.find(operation.pk) is None
    assert LogLine.objects.count() == 1


def _run_and_close(operation: Scripted) -> None:
    from django.db import connection  # noqa: PLC0415  (this thread's own)

    try:
        execute(operation, pump=threaded_pump(), web=False)
    finally:
        connection.close()


def test_nothing_is_pushed_that_a_rollback_could_take_back() -> None:
    """No frame is ahead of the stages in the database, as other connections see them."""
    wrong: list[Any] = []

    class Comparing:
        def emit(self, update: Update) -> None:
            seen: list[Any] = []

            def look() -> None:
                from django.db import connection  # noqa: PLC0415  (this thread's own)

                row = LiveOperation.objects.get(pk=update.operation.pk)
                seen.append(row.stage_states)
                connection.close()

            thread = threading.Thread(target=look)
            thread.start()
            thread.join()
            order = ["pending", "active", "done"]
            for name, state in update.view.stage_states.items():
                if order.index(state) > order.index(seen[0].get(name, "pending")):
                    wrong.append((name, state, seen[0]))

        def close(self) -> None:
            pass

    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            pass
        with transaction.atomic():
            Row.objects.create(name="x")
            with p.stage("Validate"):
                pass
        with p.stage("Save"):
            pass

    operation, recorder = run_scripted(body, sinks=[Comparing()])
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert wrong == []
    changes = [(u.stage.name, u.stage.state) for u in recorder.updates if u.stage]
    assert changes == [
        (name, state) for name in operation.stages for state in ("active", "done")
    ], "the terminal hears of each boundary once, in order, at once"
    assert store.progress_of(operation) is not None

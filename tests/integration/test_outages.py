"""The database goes away in the middle of a run: what is kept meanwhile, and what is shown."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection

from liveops import outages, store
from liveops.models import LiveOperation, StageRun
from liveops.progress import Progress, ledger
from liveops.progress.pumps import InlinePump, Pump, threaded_pump
from liveops.progress.threaded_pump import ThreadedPump
from tests.integration.helpers import run_scripted
from tests.integration.test_trouble import until
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db(transaction=True)

PUMPS = [pytest.param(InlinePump, id="inline"), pytest.param(threaded_pump, id="threaded")]
WRITERS = ("save_rows", "save_stages", "poll", "finish")


class Database:
    """Refuses what runs do, while it is told to."""

    def __init__(self) -> None:
        self.is_away = False
        self.refused: list[str] = []

    @contextmanager
    def away(self) -> Iterator[None]:
        """Be away until the block ends, however it does."""
        self.is_away = True
        try:
            yield
        finally:
            self.is_away = False

    def guard(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that is refused while the database is away."""

        def guarded(*args: Any, **kwargs: Any) -> Any:
            if self.is_away:
                self.refused.append(name)
                raise OperationalError("server closed the connection unexpectedly")
            return function(*args, **kwargs)

        return guarded


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Return what makes the database go away and come back."""
    database = Database()
    for name in WRITERS:
        monkeypatch.setattr(store, name, database.guard(name, getattr(store, name)))
    save = database.guard("save", lambda op, **how: super(Scripted, op).save(**how))
    monkeypatch.setattr(Scripted, "save", save)
    monkeypatch.setattr(outages, "longest_pause", lambda: 0.01)
    yield database
    database.is_away = False


def stored(operation: Any) -> dict[str, str]:
    """Return the states of the stages as everybody sees them."""
    states: dict[str, str] = LiveOperation.objects.get(pk=operation.pk).stage_states
    return states


def go_on(p: Progress) -> None:
    """Let an inline pump believe that its next tick has come."""
    p._run.throttle.hurry()
    p.status(f"{threading.get_native_id()} goes on")


@pytest.mark.parametrize("pump", PUMPS)
def test_boundaries_go_on_while_it_is_away_and_are_saved_when_it_is_back(
    pump: Callable[[], Pump], database: Database
) -> None:
    seen: list[dict[str, str]] = []

    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            database.is_away = True
            p.log("away")
        with p.stage("Validate"):
            p.percent(30)
            p.result({"rows": 1})
        with p.stage("Save"):
            seen.append(stored(op))
            database.is_away = False

            def is_saved() -> bool:
                go_on(p)
                return stored(op) == {"Load": "done", "Validate": "done", "Save": "active"}

            until(is_saved)

    operation, recorder = run_scripted(body, pump=pump())
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert seen == [{"Load": "active"}], "nothing could be saved"
    assert operation.result_context == {"rows": 1}
    assert [row.stage for row in operation.stage_runs.all()] == ["Load", "Validate", "Save"]
    assert [line.text for line in operation.log_lines.all()] == ["away"]
    told = [
        (update.stage.name, str(update.stage.state)) for update in recorder.updates if update.stage
    ]
    assert told == [(name, state) for name in operation.stages for state in ("active", "done")]


@pytest.mark.parametrize("pump", PUMPS)
def test_no_page_is_shown_stages_that_the_database_does_not_know(
    pump: Callable[[], Pump], database: Database
) -> None:
    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            database.is_away = True
        with p.stage("Validate"):
            shown = dict(p._run.snapshot()[0].stage_states)
            known = stored(op)
            database.is_away = False
            assert shown == known == {"Load": "active"}

    operation, _ = run_scripted(body, pump=pump())
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert operation.stage_states == {"Load": "done", "Validate": "done"}


def test_a_run_does_not_try_at_each_boundary_what_was_refused(database: Database) -> None:
    def body(op: Scripted, p: Progress) -> None:
        with database.away():
            for _ in range(50):
                with p.stage("Load"):
                    pass
            assert database.refused.count("save") == 1

    operation, _ = run_scripted(body, pump=ThreadedPump())
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert operation.stage_runs.count() == 50


@pytest.mark.parametrize("pump", PUMPS)
def test_the_end_waits_and_the_last_lines_stand_before_it(
    pump: Callable[[], Pump], database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def body(op: Scripted, p: Progress) -> None:
        p.log("first")
        database.is_away = True
        p.log("last")
        threading.Thread(target=come_back, daemon=True).start()

    def come_back() -> None:
        until(lambda: database.refused.count("finish") > 3)
        database.is_away = False

    operation, _ = run_scripted(body, pump=pump())
    assert operation.get_state() == "FINISHED_OK"
    assert [line.text for line in operation.log_lines.all()] == ["first", "last"]
    told = [r.getMessage() for r in caplog.records if "the database 'default'" in r.getMessage()]
    assert len(told) == 2, told
    assert "could not be saved" not in caplog.text


def test_an_end_whose_answer_was_lost_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    finish, tries = store.finish, [0]

    def lost_answer(*args: Any, **kwargs: Any) -> bool:
        tries[0] += 1
        done = finish(*args, **kwargs)
        if tries[0] == 1:
            raise OperationalError("server closed the connection unexpectedly")
        return done

    monkeypatch.setattr(store, "finish", lost_answer)
    operation, recorder = run_scripted(lambda op, p: p.result({"a": 1}))
    assert operation.get_state() == "FINISHED_OK"
    assert recorder.updates[-1].finished is not None, "watchers hear of it"
    assert tries == [1]


@pytest.mark.parametrize("pump", PUMPS)
def test_a_database_that_may_only_be_read_for_a_while(pump: Callable[[], Pump]) -> None:
    def set_read_only(p: Progress, on: int) -> None:
        def here() -> None:
            with connection.cursor() as cursor:
                cursor.execute(f"PRAGMA query_only = {on}")

        here()
        p._run._pump.call(here)

    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            set_read_only(p, 1)
            p.log("one")
        with p.stage("Validate"):
            p.log("two")
            set_read_only(p, 0)

    operation, _ = run_scripted(body, pump=pump())
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert operation.stage_states == {"Load": "done", "Validate": "done"}
    assert [line.text for line in operation.log_lines.all()] == ["one", "two"]


def test_what_waits_for_very_long_is_bounded_and_makes_no_false_checkpoint(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "_MOST_ROWS", 5)

    def body(op: Scripted, p: Progress) -> None:
        rows = p._run._ledger._stage_runs
        with database.away():
            for number in range(20):
                with p.stage("Load"):
                    assert len(rows) <= 5
                p._run._ledger.make_checkpoint(rows[-1], number)

    operation, _ = run_scripted(body, pump=ThreadedPump())
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert operation.stage_runs.count() == 5
    assert not StageRun.objects.filter(is_checkpoint=True).exists()

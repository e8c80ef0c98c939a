"""`p.run()`: what is recorded of commands, what never is, and dry runs."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from django.test.utils import isolate_apps
from tenacity import RetryCallState

from liveops import control
from liveops.commands import CommandFailed
from liveops.models import LiveOperation, LogLine
from liveops.progress import Progress
from liveops.progress.pumps import inline_pump
from liveops.runners.executor import execute
from liveops.stages import RetryStage
from tests.integration.commands import PUMPS, MakePump, Outcome, perform
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "s3cr3t-of-the-shop"


@pytest.mark.parametrize("pump", PUMPS)
def test_commands_are_recorded_in_their_order(pump: MakePump) -> None:
    def body(op: Scripted, p: Progress) -> None:
        p.run(["true"])
        with p.stage("Load"):
            p.run("exit 2", check=False)
            p.run(["echo", "a b"])
        with p.stage("Save"):
            p.run("true")

    outcome = perform(body, pump())
    assert outcome.state == "FINISHED_OK", outcome.operation.traceback
    rows = outcome.commands
    assert [row.command for row in rows] == ["true", "exit 2", "echo 'a b'", "true"]
    assert outcome.statuses == [("", 0), ("Load", 2), ("Load", 0), ("Save", 0)]
    assert all(row.started_on <= row.finished_on for row in rows)
    for times in ([row.started_on for row in rows], [row.finished_on for row in rows]):
        assert times == sorted(times)
    ends = [outcome.operation.started_on, outcome.operation.finished_on]
    assert ends[0] <= rows[0].started_on
    assert rows[-1].finished_on <= ends[1]


def test_a_restart_drops_the_records_of_the_run_before() -> None:
    outcome = perform(lambda op, p: p.run("exit 1"), inline_pump())
    assert outcome.state == "FINISHED_ERROR"
    Scripted.body = lambda op, p: p.run("true")
    control.restart(outcome.operation)
    assert outcome.statuses == [("", 0)]


class Provision(Scripted):
    """Has a stage that is tried again while its command fails."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages = ["fetch"]
    run = LiveOperation.run

    @LiveOperation.stage("fetch", "Fetching", retry_attempts=2)
    def fetch(self, p: Progress) -> None:
        """Fail twice."""
        tries = self.note = f"{self.note}x"
        try:
            p.run(["test", tries, "=", "xxx"])
        except CommandFailed as error:
            raise RetryStage(str(error)) from error

    def _prepare_to_retry_stage(self, retry_state: RetryCallState) -> None:
        super()._prepare_to_retry_stage(retry_state)
        self.progress.run(["echo", "tidy up"])


@pytest.mark.parametrize("pump", PUMPS)
def test_each_attempt_of_a_stage_records_its_commands(pump: MakePump) -> None:
    operation = Provision.objects.create()
    execute(operation, pump=pump(), web=False)
    outcome = Outcome(Provision.objects.get(), None)  # type: ignore[arg-type]
    assert outcome.state == "FINISHED_OK", outcome.operation.traceback
    assert outcome.statuses == [("fetch", status) for status in (1, 0, 1, 0, 0)]
    attempts = outcome.operation.stage_runs.values_list("attempt", "outcome")
    assert list(attempts) == [(1, "failed"), (2, "failed"), (3, "done")]


@pytest.mark.parametrize("ending", ["exit 0", "exit 3"])
def test_what_is_in_the_environment_is_written_nowhere(ending: str) -> None:
    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            p.run(f'test -n "$PASSWORD" && {ending}', env={"PASSWORD": SECRET})

    outcome = perform(body, inline_pump())
    assert outcome.statuses == [("Load", int(ending[-1]))]
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608  (the database's own names)
            assert SECRET not in repr(cursor.fetchall()), table


@pytest.mark.parametrize("pump", PUMPS)
def test_a_name_that_is_no_text_neither_fails_nor_is_lost(pump: MakePump) -> None:
    name = os.fsdecode(b"caf\xe9")  # as os.listdir() gives a file of another encoding

    def body(op: Scripted, p: Progress) -> None:
        p.run(["printf", r"%s\n", name])
        p.log("the last line")

    outcome = perform(body, pump())
    assert outcome.state == "FINISHED_OK", outcome.operation.traceback
    assert outcome.log[1:] == ["caf\ufffd", "the last line"]
    (row,) = outcome.commands
    assert row.command.startswith("printf '%s\\n' 'caf")


@pytest.mark.parametrize("stage", ["x" * 300, "a\udce9b"], ids=["long", "surrogate"])
def test_a_stage_of_any_name_fits_into_the_record(stage: str) -> None:
    def body(op: Scripted, p: Progress) -> None:
        with p.stage(stage):
            p.run("true")

    outcome = perform(body, inline_pump())
    assert outcome.state == "FINISHED_OK", outcome.operation.traceback
    (row,) = outcome.commands
    assert row.stage == LogLine.objects.get().stage


def test_a_long_command_is_recorded_whole_and_shown_cut() -> None:
    text = "x" * 20_000
    outcome = perform(lambda op, p: p.run(["true", text]), inline_pump())
    assert outcome.commands[0].command == f"true {text}"
    (shown,) = outcome.log
    assert "cut at" in shown[-60:]


class Rehearsal(Scripted):
    """Only says what it would do."""

    class Meta:
        proxy = True
        app_label = "testapp"

    dry_run = True


@pytest.mark.parametrize("pump", PUMPS)
@pytest.mark.parametrize("place", ["class", "instance"])
def test_a_dry_run_starts_nothing_and_says_what_it_would(
    place: str, pump: MakePump, tmp_path: Any
) -> None:
    results: list[Any] = []

    def body(op: Scripted, p: Progress) -> None:
        if place == "instance":
            op.dry_run = True
        with p.stage("Load"):
            results.append(p.run(["touch", tmp_path / "made here"], level="warning"))
            p.run("no-such-program-here; exit 1", timeout=0)

    outcome = perform(body, pump(), model=Rehearsal if place == "class" else Scripted)
    assert outcome.state == "FINISHED_OK", outcome.operation.traceback
    assert list(tmp_path.iterdir()) == []
    assert outcome.commands == []
    first, second = outcome.operation.log_lines.all()
    assert f"touch '{tmp_path}/made here'" in first.text
    assert "no-such-program-here; exit 1" in second.text
    assert (first.stage, first.level) == ("Load", "warning")
    assert not first.text.startswith("$ ")
    (result,) = results
    assert (result.returncode, result.tail, result.output) == (0, (), "")


@pytest.fixture
def model_with_field(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return an operation class that has a field named ``dry_run``, and its table."""
    with isolate_apps("tests.testapp") as isolated:
        assert isolated is not None

        class Rehearsed(Scripted):
            class Meta:
                app_label = "testapp"

            dry_run = models.BooleanField(default=False)

        monkeypatch.setattr(apps, "get_model", isolated.get_model)
        with connection.schema_editor() as editor:
            editor.create_model(Rehearsed)
        yield Rehearsed
        with connection.schema_editor() as editor:
            editor.delete_model(Rehearsed)


@pytest.mark.parametrize("dry_run", [True, False], ids=["dry", "real"])
def test_a_field_of_that_name_decides(dry_run: bool, model_with_field: Any) -> None:
    outcome = perform(
        lambda op, p: p.run("true"),
        inline_pump(),
        model=model_with_field,
        dry_run=dry_run,
    )
    assert outcome.state == "FINISHED_OK", outcome.operation.traceback
    assert outcome.log[0].startswith("$ ") is not dry_run
    assert len(outcome.commands) == (0 if dry_run else 1)

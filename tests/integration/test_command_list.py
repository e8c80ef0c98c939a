"""``liveops_list`` and ``liveops_cancel``."""

import io
import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.template.loader import render_to_string
from django.utils import timezone

from liveops.models import LiveOperation
from liveops.states import State
from tests.integration.edge import HeldRun, person
from tests.integration.markup import HOSTILE
from tests.integration.overview import operation
from tests.integration.reaping import started, state_of
from tests.integration.resuming import Voyage
from tests.testapp.models import Walk

pytestmark = pytest.mark.django_db(transaction=True)


class Terminal(io.StringIO):
    """A stream that says that it is one."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def tell(*arguments: str, stream: io.StringIO | None = None) -> list[str]:
    """Run a command and return what it printed."""
    printed = stream or io.StringIO()
    call_command(*arguments, stdout=printed)
    return printed.getvalue().splitlines()


def test_a_pipe_gets_one_line_each_newest_first() -> None:
    first = Walk.objects.create(owner=person("ada"))
    second = started(Sail="active")
    lines = [line.split("\t") for line in tell("liveops_list")]
    assert [line[:5] for line in lines] == [
        [str(second.pk), "testapp.Voyage", "STARTED", "Sail", ""],
        [str(first.pk), "testapp.Walk", "NOT_STARTED", "", "ada"],
    ]
    assert lines[0][5].startswith(str(second.created_on.date()))
    assert lines[0][6] == ""


@pytest.mark.parametrize("columns", [60, 80, 160])
def test_a_terminal_gets_a_line_each_with_an_id_that_commands_take(
    monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    Walk.objects.create(owner=person("a-user-with-a-long-name"))
    broken = started(Sail="interrupted", Pack="done")
    LiveOperation.objects.filter(pk=broken.pk).update(interrupted=True, finished_on=timezone.now())
    told = [re.sub("\x1b\\[[0-9;]*m", "", one) for one in tell("liveops_list", stream=Terminal())]
    assert len(told) == 3
    assert max(map(len, told)) <= columns
    assert told[1].startswith(str(broken.pk)[:8])
    assert told[1].split()[1:4] == ["testapp.Voyage", "INTERRUPTED", "Sail"]
    wide = ["id", "type", "state", "stage", "owner", "created", "finished"]
    narrow = ["id", "type", "state", "stage", "created"]
    assert told[0].split() == (wide if columns >= 100 else narrow)


def test_it_is_filtered_and_limited() -> None:
    walks = [Walk.objects.create() for _ in range(3)]
    running, voyage = started(), Voyage.objects.create()

    def listed(*options: str) -> set[str]:
        return {line.split("\t")[0] for line in tell("liveops_list", *options)}

    assert listed("--state", "STARTED") == {str(running.pk)}
    assert len(listed("--state", "STARTED", "--state", "NOT_STARTED")) == 5
    assert listed("--state", "running") == {str(running.pk)}
    assert len(listed("--state", "Waiting")) == 4
    assert listed("--type", "testapp.Walk") == {str(walk.pk) for walk in walks}
    assert listed("--limit", "1") == {str(voyage.pk)}


def test_a_state_may_be_called_as_the_pages_call_it() -> None:
    for state in State:
        badge = render_to_string("liveops/_state_badge.html", {"state": state})
        (word,) = re.findall(r">([A-Z]\w+)<", badge)
        operation(state)
        lines = tell("liveops_list", "--state", word)
        assert {line.split("\t")[2] for line in lines} == {state}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--state", "DONE"], "invalid choice"),
        (["--type", "auth.User"], "is not an operation"),
        (["--type", ""], "is not an operation"),
        (["--limit", "0"], "from 1 on"),
        (["--limit", "9" * 20], "--limit takes .* up to 1000000"),
    ],
)
def test_what_cannot_be_meant_is_refused(options: list[str], problem: str) -> None:
    with pytest.raises(CommandError, match=problem):
        tell("liveops_list", *options)


def test_it_is_filtered_by_owner_and_age() -> None:
    mine, old = Walk.objects.create(owner=person("ada")), Walk.objects.create()
    LiveOperation.objects.filter(pk=old.pk).update(created_on=timezone.now() - timedelta(days=3))
    recent = [line.split("\t")[0] for line in tell("liveops_list", "--since", "2d")]
    assert recent == [str(mine.pk)]
    assert len(tell("liveops_list", "--since", "4d")) == 2
    assert [line.split("\t")[0] for line in tell("liveops_list", "--owner", "ada")] == recent


def test_scripts_get_an_object_a_line() -> None:
    operation = started(Sail="active")
    LiveOperation.objects.filter(pk=operation.pk).update(stage_states={HOSTILE: "active"})
    (line,) = tell("liveops_list", "--json", stream=Terminal())
    assert line.isascii()
    assert line.isprintable()
    record = json.loads(line)
    assert record["id"] == str(operation.pk)
    assert (record["type"], record["state"]) == ("testapp.Voyage", "STARTED")
    assert (record["stage"], record["owner"], record["finished"]) == (HOSTILE, None, None)
    assert datetime.fromisoformat(record["created"]) == operation.created_on


class Closed(io.StringIO):
    """A pipe that nobody reads any more."""

    def write(self, text: str) -> int:
        """Fail."""
        raise BrokenPipeError


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_who_reads_no_further_is_no_trouble(options: list[str]) -> None:
    Walk.objects.create()
    assert tell("liveops_list", *options, stream=Closed()) == []


def test_hostile_text_does_not_reach_the_terminal() -> None:
    LiveOperation.objects.filter(pk=started().pk).update(stage_states={HOSTILE: "active"})
    (line,) = tell("liveops_list")
    assert all(character.isprintable() or character == "\t" for character in line)
    assert line.count("\t") == 6


def test_one_that_waits_is_cancelled() -> None:
    operation = Walk.objects.create()
    assert tell("liveops_cancel", str(operation.pk)[:13]) == [
        f"Operation {operation.pk} was cancelled."
    ]
    assert state_of(operation) == "CANCELLED"


def test_one_that_runs_is_asked_to_stop() -> None:
    operation = started()
    assert tell("liveops_cancel", str(operation.pk)) == [
        f"Operation {operation.pk} was asked to stop."
    ]
    assert LiveOperation.objects.get().cancel_requested


def test_several_are_cancelled_and_those_that_cannot_be_are_told(run: HeldRun) -> None:
    run.end()
    waiting = Walk.objects.create()
    printed = io.StringIO()
    with pytest.raises(CommandError, match=f"{run.operation.pk}: .*already ended"):
        call_command("liveops_cancel", str(run.operation.pk), str(waiting.pk), stdout=printed)
    assert printed.getvalue() == f"Operation {waiting.pk} was cancelled.\n"


def test_nothing_is_cancelled_if_one_is_not_there() -> None:
    waiting = Walk.objects.create()
    with pytest.raises(CommandError, match="There is no operation"):
        tell("liveops_cancel", str(waiting.pk), "0" * 32)
    assert state_of(waiting) == "NOT_STARTED"


def test_one_that_does_not_stop_in_time_is_told() -> None:
    operation = started()
    with pytest.raises(CommandError, match=r"has not stopped after 0\.01 s"):
        tell("liveops_cancel", str(operation.pk), "--wait", "--timeout", "0.01")
    with pytest.raises(CommandError, match="goes with --wait"):
        tell("liveops_cancel", str(operation.pk), "--timeout", "1")


def test_one_that_has_ended_is_refused(run: HeldRun) -> None:
    run.end()
    with pytest.raises(CommandError, match="already ended") as refused:
        tell("liveops_cancel", str(run.operation.pk))
    assert refused.value.returncode == 1


def test_one_that_there_is_not_is_refused() -> None:
    problem: Any = "There is no operation"
    with pytest.raises(CommandError, match=problem):
        tell("liveops_cancel", "0" * 32)


@pytest.mark.parametrize(
    "arguments",
    [
        ["liveops_list"],
        ["liveops_watch", "0" * 32],
        ["liveops_cancel", "0" * 32],
        ["liveops_resume", "0" * 32],
        ["liveops_prune", "--older-than", "1d"],
        ["liveops_reap"],
        ["run_liveop", "testapp.Walk"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_tables_that_are_not_there_yet_are_told_of(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LiveOperation._meta, "db_table", "not_made_yet")
    with pytest.raises(CommandError, match="with the command `migrate`"):
        tell(*arguments)


@pytest.mark.parametrize("nothing", ["", "-", "x y"])
def test_what_names_nobody_is_like_nobody(nothing: str) -> None:
    Walk.objects.create()
    told = f"{nothing!r} is not the id of an operation. liveops_list shows the newest ones."
    with pytest.raises(CommandError, match=f"^{told}$"):
        call_command("liveops_cancel", "--", nothing)

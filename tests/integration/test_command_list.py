"""``liveops_list`` and ``liveops_cancel``."""

import io
import re
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from liveops.models import LiveOperation
from tests.integration.edge import HeldRun, person
from tests.integration.markup import HOSTILE
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
    assert listed("--type", "testapp.Walk") == {str(walk.pk) for walk in walks}
    assert listed("--limit", "1") == {str(voyage.pk)}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--state", "DONE"], "invalid choice"),
        (["--type", "auth.User"], "is not an operation"),
        (["--limit", "0"], "from 1 on"),
        (["--limit", "9" * 20], "--limit takes .* up to 1000000"),
    ],
)
def test_what_cannot_be_meant_is_refused(options: list[str], problem: str) -> None:
    with pytest.raises(CommandError, match=problem):
        tell("liveops_list", *options)


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


def test_one_that_has_ended_is_refused(run: HeldRun) -> None:
    run.end()
    with pytest.raises(CommandError, match="already ended") as refused:
        tell("liveops_cancel", str(run.operation.pk))
    assert refused.value.returncode == 1


def test_one_that_there_is_not_is_refused() -> None:
    problem: Any = "There is no operation"
    with pytest.raises(CommandError, match=problem):
        tell("liveops_cancel", "0" * 32)

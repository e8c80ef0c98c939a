"""What the pages show as printed is printed, for what stands in no session that is played."""

import io
import json
import re
import shlex
from collections.abc import Iterator
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from liveops import reaping
from liveops.checks.database import database_messages
from liveops.exceptions import InvalidStateError
from liveops.models import LiveOperation
from liveops.progress.view import Line
from liveops.states import State
from liveops.store.controls import _refuse_changes
from tests.docs.pages import Command, block, sessions
from tests.docs.playing import steady
from tests.integration.helpers import run_scripted
from tests.integration.log_lines import store_lines
from tests.integration.observing import listening
from tests.integration.pruning import ended
from tests.integration.reaping import NOTING, Noting, dead, fresh_runner
from tests.integration.resuming import Voyage
from tests.testapp.models import Scripted, Walk

pytestmark = pytest.mark.django_db(transaction=True)

REAPING, UPGRADING = "how-to/reaping.md", "how-to/upgrading.md"
PRUNING, COMMANDS = "how-to/pruning.md", "reference/commands.md"
CLASS = re.compile(r"\bshop\.\w+")
OWN = "testapp.Walk"


@pytest.fixture(autouse=True)
def runner(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have dead runs found at once, and nothing begin that is handed over."""
    times = {"HEARTBEAT_SECONDS": 0.05, "STALE_SECONDS": 1.0}
    settings.LIVEOPS = {"RUNNER": NOTING, **times}
    monkeypatch.setattr(reaping, "_MARGIN_SECONDS", 0.0)
    with fresh_runner():
        yield


def typed(line: str) -> list[str]:
    """Type a command of ours, for a class of the tests; return what it printed."""
    python, manage, *words = shlex.split(CLASS.sub(OWN, line))
    assert (python, manage) == ("python", "manage.py")
    printed = io.StringIO()
    call_command(*words, stdout=printed)
    return printed.getvalue().splitlines()


def shown(page: str, name: str) -> list[Command]:
    """Return the commands of a page that begin so."""
    every = [command for session in sessions(page) for command in session]
    return [each for each in every if each.line.startswith(f"python manage.py {name}")]


def test_a_reaper_says_what_it_did() -> None:
    once, _for_ever = shown(REAPING, "liveops_reap")
    dead(Walk)
    assert steady(typed(once.line)) == steady([CLASS.sub(OWN, text) for text in once.printed])


def test_pruning_says_what_it_did() -> None:
    (command,) = shown(PRUNING, "liveops_prune")
    for state in (State.FINISHED_ERROR, State.CANCELLED, State.INTERRUPTED):
        ended(91, state)
    for _ in range(2):
        ended(31)
    assert typed(command.line) == list(command.printed)
    assert command.line.removeprefix("python ") in block(PRUNING, "text 30 3 * * *")


def test_operations_that_would_be_refused_are_found() -> None:
    commands = shown(UPGRADING, "liveops_list")
    operations = [ended(1, State.INTERRUPTED), ended(1, State.FINISHED_ERROR)]
    ended(1)
    found = [typed(command.line) for command in commands]
    assert [line.split("\t")[0] for lines in found for line in lines] == [
        str(operation.pk) for operation in operations
    ]


def test_lists_go_through_pipes() -> None:
    (resuming, counting) = shown(COMMANDS, "liveops_list")
    stopped = ended(0.1, State.INTERRUPTED, Voyage)
    ended(1, State.FINISHED_ERROR)
    listing, cut, handing_over = resuming.line.split(" | ")
    (line,) = typed(listing)
    assert cut == "cut -f 1"
    first = line.split("\t")[0]
    typed(f"{handing_over.removeprefix('xargs ')} {first}")
    assert Noting.given == [stopped.pk]
    listing, query, *_ = counting.line.split(" | ")
    (line,) = typed(listing)
    assert query == "jq -r .type"
    assert json.loads(line)["type"] == OWN


def test_a_resume_that_is_refused_names_the_changes() -> None:
    text = block(COMMANDS, "text CommandError:")
    changed = SimpleNamespace(
        specific_class=lambda: SimpleNamespace(stages=["Load", "Test", "Save"])
    )
    operation: Any = changed
    with pytest.raises(InvalidStateError, match="its stages are others now") as refusal:
        _refuse_changes(operation, ["Load", "Check", "Save"], ["Load"])
    assert text == f"{CommandError.__name__}: {refusal.value}\n"


def test_the_report_of_a_check(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    database = {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {}}
    monkeypatch.setitem(django_settings.DATABASES, "default", database)
    (message,) = database_messages()
    assert f"{message}\n" == block("reference/checks.md", "text ?: (liveops.W003)")


def test_the_file_of_a_log(client: Client) -> None:
    owner = User.objects.create_superuser("root")
    client.force_login(owner)
    operation = Scripted.objects.create(owner=owner)
    text = block("reference/log.md", "text 2026-")
    store_lines(operation, [line_of(number, line) for number, line in enumerate(text.splitlines())])
    response: Any = client.get(f"/live/{operation.pk}/log.txt")
    assert b"".join(response.streaming_content).decode() == text


def line_of(number: int, text: str) -> Line:
    """Return the line of a log that is written so into its file."""
    found = re.fullmatch(r"(\S+)Z  (\w+) +(?:\[(\w+)\] )?(.*)", text)
    assert found is not None
    moment, level, stage, words = found.groups(default="")
    return Line(
        number + 1,
        time=datetime.fromisoformat(f"{moment}+00:00"),
        level=level.lower(),
        stage=stage,
        text=words,
    )


def test_signals_come_in_the_order_that_is_shown() -> None:
    def body(operation: Scripted, p: Any) -> None:
        with p.stage("Load"):
            pass

    with listening() as heard:
        run_scripted(body)
    lines = block("reference/signals.md", "text operation_claimed").replace(" or ", "\n")
    order = re.findall(r"\w+_\w+", lines)
    order.remove("operation_interrupted")
    assert [each.name for each in heard] == order
    assert LiveOperation.objects.count() == 1

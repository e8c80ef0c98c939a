"""One operation that says its secrets in every way there is, and nobody finds them anywhere."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.views.decorators.debug import sensitive_variables
from opentelemetry import context

from liveops import events, registry, rendering
from liveops.commands import CommandFailed, CommandNotStarted, CommandTimedOut
from liveops.contrib.opentelemetry import Tracing
from liveops.exceptions import OperationError
from liveops.progress import Progress
from liveops.progress.pumps import inline_pump, threaded_pump
from liveops.progress.text import LOG_LINE_LIMIT
from liveops.sinks.web import WebSink
from tests.integration.commands import MakePump
from tests.integration.helpers import run_scripted
from tests.integration.tracing import Traced
from tests.testapp.models import AsyncScripted, Scripted

pytestmark = pytest.mark.django_db(transaction=True)

# Each has a part that looks the same in quotes, escapes and addresses: that is searched for.
NAMED = "n4m3d 'of' the \"shop\" 100%\\é"
COMMANDED = "c0mm4nd'ed"
KEY = "-----BEGIN-----\nk3y/one+k3y\n\tk3y two k3y\n-----END-----\n"
MARKED = "m4rk3d as it is"
CARD = "p4tt3rn"
CORES = ("n4m3d", "c0mm4nd", "k3y", "m4rk3d", CARD)
EVERYTHING = f"{NAMED} and {NAMED!r} and {COMMANDED} and {KEY} card={CARD}."

shop = logging.getLogger("shop")


@pytest.fixture(autouse=True)
def patterns(settings: Any) -> None:
    settings.LIVEOPS = {
        **settings.LIVEOPS,
        "REDACT": [r"card=(\w+)"],
        "TRACING_TRACEBACKS": True,
    }


@pytest.fixture
def traced() -> Iterator[Traced]:
    """Return the spans of what runs meanwhile."""
    found = Traced()
    note = Tracing(found.tracer).note
    before = context.get_current()
    events.observe(note)
    yield found
    events.ignore(note)
    assert context.get_current() == before


class Messages:
    """Stands for the sender, and keeps what would be sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, group: str, message: dict[str, Any]) -> None:
        """Keep a message."""
        self.sent.append(json.dumps(message))


@sensitive_variables("password")
def log_in(password: str) -> None:
    """Fail with the value in the text of the error."""
    raise ValueError(f"no such password: {password!r}")


def fail_everywhere() -> None:
    """Fail with errors behind errors."""
    try:
        try:
            log_in(MARKED)
        except ValueError:
            raise KeyError(EVERYTHING)  # noqa: B904  (the other one is its context)
    except KeyError as error:
        error.add_note(EVERYTHING)
        raise ExceptionGroup(EVERYTHING, [error, ValueError(NAMED)]) from error


def say_everything(p: Progress) -> None:
    """Say the secrets in every way that is not named a way around."""
    p.mask(NAMED, KEY)
    for args in (["echo", COMMANDED], f"echo {COMMANDED!r}; printf '%s\\n' \"$X\""):
        p.run(args, secrets=[COMMANDED], env={"X": EVERYTHING})
    p.run('for part in c0mm 4nd "\'ed"; do printf %s "$part"; done; printf "\\n"')
    p.run('printf \'%*s\\n\' "$N" "$X"', env={"N": "20000", "X": EVERYTHING})
    for level in ("info", "error"):
        p.status(EVERYTHING * 30, level)
        p.log(EVERYTHING, level)
    for missing in range(-12, 2):
        p.log("." * (LOG_LINE_LIMIT + missing) + COMMANDED)
    p.log(f"{'.' * 8_180}{NAMED}\n" * 20)
    with p.stage("Load"):
        for _ in p.track([1, 2], label="." * 190 + EVERYTHING, unit=EVERYTHING):
            p._run.throttle.hurry()
    with p.capture_logging("shop"):
        shop.warning("said %s", EVERYTHING)
        try:
            log_in(MARKED)
        except ValueError:
            shop.exception("no login %s", NAMED)
    refusals: list[Any] = [
        ("printf '%s\\n' \"$X\"; exit 3", CommandFailed, {"env": {"X": EVERYTHING}}),
        (["no-such", COMMANDED, NAMED], CommandNotStarted, {}),
        (["true", COMMANDED], CommandNotStarted, {"cwd": f"/no/{COMMANDED}"}),
        (f"echo {COMMANDED!r}; exec sleep 100", CommandTimedOut, {"timeout": 0.3}),
    ]
    for command, kind, how in refusals:
        with pytest.raises(kind) as raised:
            p.run(command, **how)
        p.log(raised.value)
        assert clean(str(raised.value)), kind


def clean(text: str) -> bool:
    """Return whether none of the secrets stands in a text."""
    return not [core for core in CORES if core in text]


def rows() -> Iterator[tuple[str, str]]:
    """Give every row of every table, with where it stands."""
    for model in apps.get_models():
        for values in model._base_manager.values():
            for column, value in values.items():
                yield f"{model._meta.label}.{column}", repr(value)


def read_pages(owner: User, pk: Any) -> Iterator[tuple[str, str]]:
    """Give what a browser can read of an operation."""
    client = Client()
    client.force_login(owner)
    for path in ("?stay", "log/", "log.txt", "snapshot/", "traceback/"):
        response = client.get(f"/live/{pk}/{path}", headers={"Accept": "*/*"})
        assert response.status_code in (200, 404), path
        yield path, response.getvalue().decode()
    yield "list", client.get("/live/").content.decode()
    record = client.get(f"/admin/liveops/liveoperation/{pk}/change/")
    assert record.status_code == 200
    yield "record", record.content.decode()


def dirty(pieces: Iterator[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return where secrets were found, and around them what."""
    return [
        (where, text[max(text.find(core) - 60, 0) : text.find(core) + 60])
        for where, text in pieces
        for core in CORES
        if core in text
    ]


def by_error(op: Any, p: Progress) -> None:
    """End by the sentence of ``error()``."""
    say_everything(p)
    p.error(EVERYTHING * 300)


def by_exception(op: Any, p: Progress) -> None:
    """End by an exception that tells all."""
    say_everything(p)
    fail_everywhere()


def by_sentence(op: Any, p: Progress) -> None:
    """End by an exception whose text watchers read."""
    say_everything(p)
    try:
        log_in(MARKED)
    except ValueError as error:
        raise OperationError(f"{error} {EVERYTHING}") from error


@pytest.mark.promise("secrets-masked")
@pytest.mark.parametrize(
    ("ending", "pump"),
    [(by_error, inline_pump), (by_exception, threaded_pump), (by_sentence, inline_pump)],
)
def test_what_is_to_be_masked_is_found_nowhere(
    pump: MakePump, ending: Any, traced: Traced, caplog: pytest.LogCaptureFixture
) -> None:
    snapshots: list[str] = []
    messages = Messages()

    def body(op: Any, p: Progress) -> None:
        try:
            ending(op, p)
        finally:
            p._run.flush()
            run = registry.find(op.pk)
            assert run is not None
            snapshots.append(repr(run.snapshot()))

    caplog.set_level(logging.DEBUG, "liveops")
    owner = User.objects.create_superuser("owner")
    sink: Any = WebSink(through=messages)  # type: ignore[arg-type]
    operation, recorder = run_scripted(body, pump=pump(), sinks=[sink], owner=owner)
    assert operation.get_state() == "FINISHED_ERROR"
    log = "\n".join(operation.log_lines.values_list("text", flat=True))
    assert log.count("***") > 30
    assert operation.command_runs.all()[0].command == "echo '***'"
    assert "***" in operation.live_progress.error_text or ending is by_exception
    ours = [record for record in caplog.records if record.name.startswith("liveops")]
    found = [
        *dirty(rows()),
        *dirty(read_pages(owner, operation.pk)),
        *dirty(("update", repr(update)) for update in recorder.updates),
        *dirty(("html", rendering.fragments(update)) for update in recorder.updates),
        *dirty(("frame", message) for message in messages.sent),
        *dirty(("snapshot in memory", text) for text in snapshots),
        *dirty(("span", span.to_json()) for span in traced.spans),
        *dirty(("log of the site", logging.Formatter().format(record)) for record in ours),
        *dirty(("variables for the log", repr(record.exc_info)) for record in ours),
    ]
    assert found == []
    assert messages.sent
    assert snapshots
    assert traced.spans
    assert not [record for record in ours if record.exc_info]


@pytest.mark.promise("secrets-terminal")
@pytest.mark.parametrize("ending", [by_exception, by_sentence])
def test_nor_in_the_terminal(ending: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scripted, "body", staticmethod(ending))
    out = io.StringIO()
    with pytest.raises((CommandError, SystemExit)) as raised:
        call_command("run_liveop", "testapp.Scripted", stdout=out, stderr=out)
    shown = out.getvalue()
    assert "Commands executed" in shown
    assert shown.count("***") > 30
    assert dirty(iter([("terminal", shown), ("error", repr(raised.value))])) == []


def test_in_a_coroutine_a_command_has_secrets_too() -> None:
    async def body(op: AsyncScripted, p: Progress) -> None:
        result = await p.arun(["echo", NAMED, "open"], secrets=[NAMED])
        assert result.output == "*** open"
        assert result.command == "echo '***' open"
        p.log(NAMED)

    operation, _ = run_scripted(body, pump=threaded_pump(), model=AsyncScripted)
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert [row.command for row in operation.command_runs.all()] == ["echo '***' open"]
    log = list(operation.log_lines.values_list("text", flat=True))
    assert log == ["$ echo '***' open", "*** open", "***"]

"""One operation whose every text is hostile, and every place where it is shown.

Each output is made twice, from hostile texts and from harmless ones of the same shape: nothing but
text may differ. So whatever element or attribute a page has, it has from a template.
"""

import contextlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils.html import escape

from liveops import rendering
from liveops.exceptions import OperationError
from liveops.models import LiveOperation
from liveops.progress import Progress
from tests.integration import hostile
from tests.integration.edge import Socket
from tests.integration.helpers import run_scripted
from tests.testapp.models import Scripted, Typed

pytestmark = pytest.mark.django_db(transaction=True)

Shape = Callable[[str], str]
# Begins with what is markup for rich: bars cut what is long.
LABEL = f"[red]zq[/red]{hostile.ALL}"
CHILD = ["sh", "-c", 'printf "%s\\n" "$1"; printf "%s\\n" "$1" >&2', "sh"]


class Terminal(io.StringIO):
    """A stream that says that it is one."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def speak(p: Progress, shape: Shape) -> None:
    """Say hostile things in every way there is."""
    for level in ("debug", "info", "success", "warning", "error"):
        p.status(shape(hostile.ALL), level=level)
        p.log(shape(hostile.LINES), level=level)
    p.log(shape(hostile.LONG))
    with p.stage(shape(hostile.MARKUP)[:90]):
        for _ in p.track([1, 2], label=shape(LABEL), unit=shape(LABEL)):
            p._run.throttle.hurry()
    with p.stage(shape(hostile.ALL)):  # none of its own
        p.log(shape(hostile.SCRIPT))
        p.run([*CHILD, shape(hostile.ALL.replace("\x00", ""))])
    p.swap("#op-extra", "own", text=shape(hostile.MARKUP))


@pytest.fixture
def shaped(monkeypatch: pytest.MonkeyPatch, templates: Any) -> Callable[[Shape], User]:
    """Return a function that gives the class and its owner texts of a shape."""
    templates({"testapp/scripted_own.html": "<p>{{ text }}</p>"})

    def give(shape: Shape) -> User:
        monkeypatch.setattr(Scripted, "stages", [shape(hostile.MARKUP)[:90], "Save"])
        monkeypatch.setattr(Scripted._meta, "verbose_name", shape(hostile.MARKUP))
        name = f"{shape(hostile.SCRIPT)}{shape(hostile.PARTS[1])}{shape(hostile.PARTS[7])}"
        owner, _ = User.objects.get_or_create(
            username=name, defaults={"is_staff": True, "is_superuser": True, "first_name": name}
        )
        return owner

    return give


def failed(shape: Shape, owner: User) -> tuple[LiveOperation, str]:
    """Return an operation that failed with a hostile sentence, and what was pushed of it."""

    def body(op: Scripted, p: Progress) -> None:
        speak(p, shape)
        p.result({shape(hostile.TEXT): shape(hostile.ALL.replace("\x00", ""))})
        raise OperationError(shape(hostile.LINES))

    operation, recorder = run_scripted(body, owner=owner, note=shape(hostile.TEXT)[:100])
    assert operation.get_state() == "FINISHED_ERROR"
    assert "OperationError" in operation.traceback
    return operation, "".join(map(rendering.fragments, recorder.updates))


def chained(shape: Shape, owner: User) -> LiveOperation:
    """Return an operation that went on with another one."""

    def body(op: Scripted, p: Progress) -> None:
        if op.note == "last":
            return
        speak(p, shape)
        text = shape(hostile.ALL.replace("\x00", ""))
        p.result({text: text, "inner": {text: [text]}, shape(hostile.LONG)[:5000]: 1})
        p.chain_to(Scripted.objects.create(owner=op.owner, note="last"))

    operation: LiveOperation
    operation, _ = run_scripted(body, owner=owner)
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    return operation


def pages(shape: Shape, owner: User) -> Iterator[tuple[str, str]]:
    """Give each output in HTML."""
    client = Client()
    client.force_login(owner)
    first, pushed = failed(shape, owner)
    second = chained(shape, owner)
    yield "pushed", pushed
    waiting = Scripted.objects.create(owner=owner)
    typed = Typed.objects.create(owner=owner, title=shape(hostile.SCRIPT)[:20])
    Typed.objects.filter(pk=typed.pk).update(
        source=f"typed/{shape(hostile.PARTS[1])[:80]}", text=shape(hostile.LINES)
    )
    for name, one in (("failed", first), ("went on", second)):
        yield f"page, {name}", read(client, f"/live/{one.pk}/?stay")
        yield f"record, {name}", read(client, f"/admin/liveops/liveoperation/{one.pk}/change/")
        yield f"deletion, {name}", read(client, f"/admin/liveops/liveoperation/{one.pk}/delete/")
        snapshot = json.loads(read(client, f"/live/{one.pk}/snapshot/", "application/json"))
        yield f"snapshot, {name}", snapshot["liveop_html"]
        lines = json.loads(read(client, f"/live/{one.pk}/log/", "application/json"))
        yield f"lines, {name}", lines["html"]
        for number, frame in enumerate(frames(one, owner)):
            yield f"frame {number}, {name}", frame
    yield "record of another class", read(client, f"/admin/testapp/typed/{typed.pk}/change/")
    yield "list of another class", read(client, "/admin/testapp/typed/")
    yield "history", read(client, f"/admin/liveops/liveoperation/{first.pk}/history/")
    yield "list", read(client, "/live/")
    yield "search in the list", read(client, f"/live/?q={shape('<script>')}")
    yield "badge", json.loads(read(client, "/live/badge/", "application/json"))["liveop_html"]
    yield "admin's list", read(client, "/admin/liveops/liveoperation/")
    LiveOperation.objects.filter(pk=waiting.pk).update(operation_type=shape(hostile.TEXT))
    yield "list with a class that is lost", read(client, "/live/")
    yield "admin's list with such a class", read(client, "/admin/liveops/liveoperation/")


def read(client: Client, address: str, kind: str = "text/html") -> str:
    """Return a response that the browser may not take for anything but what it is."""
    response = client.get(address)
    assert response.status_code == 200, (address, response.status_code)
    assert response.headers["Content-Type"].partition(";")[0] == kind
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    streamed: Any = getattr(response, "streaming_content", None)
    return (b"".join(streamed) if streamed else response.content).decode()


def frames(operation: LiveOperation, owner: User) -> list[str]:
    """Return the HTML of what a new watcher is sent."""

    async def watch() -> list[str]:
        async with Socket(owner) as socket:
            heard = [await socket.subscribe(operation), *await socket.hear_rest()]
        return [frame["liveop_html"] for frame in heard if "liveop_html" in frame]

    found = async_to_sync(watch)()
    assert found
    return found


@pytest.mark.promise("everything-is-escaped")
def test_no_page_has_an_element_or_an_attribute_from_data(
    shaped: Callable[[Shape], User],
) -> None:
    expected = dict(pages(hostile.harmless, shaped(hostile.harmless)))
    LiveOperation.objects.all().delete()
    owner = shaped(str)
    # What the site let somebody register is shown as it is, set apart from what follows.
    name_of_owner = f'<span dir="auto">{escape(owner.get_username())}</span>'
    for name, html in pages(str, owner):
        assert "zq" in html or "badge" in name, name
        found, usual = hostile.structure(html), hostile.structure(expected[name])
        if name == "pushed":  # as often as time allowed
            found, usual = Counter(set(found)), Counter(set(usual))
        assert found == usual, name
        if name.startswith(("frame", "lines", "pushed", "snapshot")):
            told = html.replace(name_of_owner, "")
            assert hostile.controls(told) == set(), name


@pytest.mark.promise("texts-are-told-as-texts")
def test_files_of_text_are_told_as_such_and_hold_no_control_characters(
    shaped: Callable[[Shape], User],
) -> None:
    owner = shaped(str)
    operation, _ = failed(str, owner)
    client = Client()
    client.force_login(owner)
    log = read(client, f"/live/{operation.pk}/log.txt", "text/plain")
    assert hostile.SCRIPT in log
    assert hostile.controls(log) == set()
    trace = read(client, f"/live/{operation.pk}/traceback/", "text/plain")
    assert hostile.SCRIPT in trace


# The terminal


def told(command: str, *arguments: str, stream: io.StringIO) -> str:
    """Run a command and return what it printed."""
    with contextlib.suppress(SystemExit):  # an operation that failed
        call_command(command, *arguments, stdout=stream)
    return stream.getvalue()


def terminal_outputs(
    shape: Shape, owner: User, stream: type[io.StringIO]
) -> Iterator[tuple[str, str]]:
    """Give what a terminal, or a pipe, is told."""
    for name, ends_badly in (("failing", True), ("succeeding", False)):

        def body(op: Scripted, p: Progress, bad: bool = ends_badly) -> None:
            speak(p, shape)
            p.result({shape(hostile.TEXT): shape(hostile.ALL.replace("\x00", ""))})
            if bad:
                raise OperationError(shape(hostile.LINES))

        Scripted.body = body
        arguments = ("testapp.Scripted", "--owner", owner.get_username())
        note = ("--set", f"note={shape(hostile.PARTS[6])}")
        yield name, told("run_liveop", *arguments, *note, stream=stream())
        newest = LiveOperation.objects.order_by("-created_on")[0]
        watched = ("liveops_watch", str(newest.pk), "--from-start")
        yield f"{name}, watched", told(*watched, stream=stream())
    first = LiveOperation.objects.order_by("created_on").first()
    assert first is not None
    yield "list", told("liveops_list", stream=stream())
    LiveOperation.objects.filter(pk=first.pk).update(
        operation_type=shape(LABEL.replace("\x00", ""))[:255],
        stage_states={shape(hostile.ALL): "active"},
        run_id=None,
    )
    yield "list with a class that is lost", told("liveops_list", stream=stream())


@pytest.mark.promise("terminals-are-told-text")
@pytest.mark.parametrize("stream", [io.StringIO, Terminal], ids=["pipe", "terminal"])
def test_no_terminal_is_told_anything_but_text(
    shaped: Callable[[Shape], User], monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "xterm-256color")
    owner = shaped(hostile.harmless)
    expected = dict(terminal_outputs(hostile.harmless, owner, stream))
    LiveOperation.objects.all().delete()
    for name, output in terminal_outputs(str, shaped(str), stream):
        sequences, text = hostile.escapes(output)
        allowed, harmless = hostile.escapes(expected[name])
        assert sequences <= allowed, name
        assert hostile.controls(text) <= hostile.controls(harmless) <= {"\r"}, name
        assert "list" in name or "[red]zq[/red]" in text, name
        assert "zq<script>" not in text, "taken for markup"
        assert not name.startswith("failing") or "Failed: <script>" in text
        assert (
            not name.startswith("succeeding")
            or f"\n{hostile.TEXT[:40]}" in text.rpartition("=== [")[2]
        )

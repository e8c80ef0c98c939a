"""Tools for the tests of the list and the badge."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import Client
from django.utils import timezone

from liveops.models import LiveOperation, LiveProgress
from liveops.overview import following
from liveops.states import State
from tests.integration.edge import DEADLINE, Socket
from tests.integration.markup import Element, parse
from tests.testapp.models import Walk

EVERYTHING = {"liveops-counts", "liveops-rows", "liveops-pages"}
NOT_FOUND = ("not_found", None)
NOON = datetime(2026, 3, 4, 12, 0, 5, tzinfo=timezone.get_default_timezone())


def operation(
    state: str = State.NOT_STARTED,
    model: type[LiveOperation] = Walk,
    progress: dict[str, Any] | None = None,
    **fields: Any,
) -> Any:
    """Return a stored operation in a state, with saved progress if there is any."""
    now = timezone.now()
    columns: dict[State, dict[str, Any]] = {
        State.NOT_STARTED: {},
        State.STARTED: {"started_on": now},
        State.FINISHED_OK: {
            "started_on": now,
            "finished_on": now,
            "finished_successfully": True,
        },
        State.FINISHED_ERROR: {"started_on": now, "finished_on": now},
        State.CANCELLED: {"cancelled": True, "finished_on": now},
        State.INTERRUPTED: {"started_on": now, "finished_on": now, "interrupted": True},
    }
    created = model.objects.create(**{**columns[State(state)], **fields})
    if progress is not None:
        LiveProgress.objects.create(operation_id=created.pk, **progress)
    return created


create = sync_to_async(operation)


def several(number: int, **fields: Any) -> list[Any]:
    """Return some operations, newest first."""
    now = timezone.now()
    return [
        operation(created_on=now - timedelta(minutes=minutes), **fields)
        for minutes in range(number)
    ]


def page(client: Client, url: str = "/live/") -> Element:
    """Return the page of the list, which must be well-formed."""
    response = client.get(url)
    assert response.status_code == 200, response
    return parse(response.content.decode())


def links(shown: Element) -> list[str]:
    """Return where the rows of a list lead to."""
    return [row.all("a")[0].attributes["href"] for row in shown.all("li", class_="liveops-row")]


def urls(*operations: Any) -> list[str]:
    """Return the addresses of operations."""
    return [one.get_absolute_url() for one in operations]


def parts(html: str) -> dict[str, Element]:
    """Return the fragments of a frame by what they replace."""
    found = {}
    for fragment in parse(html).elements:
        how = fragment.attributes["hx-swap-oob"]
        target = fragment.attributes["id"] if how == "true" else how.removeprefix("innerHTML:#")
        assert target not in found
        found[target] = fragment
    return found


def quick_looks(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Let sockets look without a pause; return a function that counts the looks."""
    looks: list[Any] = []
    look = following._look

    def counted(user_pk: Any, asked: Any) -> Any:
        looks.append(asked)
        return look(user_pk, asked)

    monkeypatch.setattr(following, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(following, "_REST", 0)
    monkeypatch.setattr(following, "_look", counted)
    return lambda: len(looks)


async def follow(socket: Socket, view: str = "list", query: Any = "", **more: Any) -> Any:
    """Follow a view; return the first frame of it."""
    await socket.say({"subscribe": {view: query if view == "list" else True, **more}})
    return await socket.hear()


async def pass_looks(looks: Callable[[], int], number: int = 3) -> None:
    """Return when there have been some more looks."""
    until, deadline = looks() + number, time.monotonic() + DEADLINE
    while looks() < until:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


def refusal(frame: dict[str, Any]) -> Any:
    """Return what a frame refuses, and of which operation: of none in particular."""
    return frame.get("error"), frame.get("op")

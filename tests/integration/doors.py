"""Every door to one operation, and how it is tried."""

import json
from dataclasses import replace
from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from django.template import Context, Template
from django.test import Client, RequestFactory

from liveops.models import ControlRecord, LiveOperation
from liveops.routing import websocket_urlpatterns
from tests.integration.edge import Socket, asynchronous
from tests.integration.house import LENT, SECRET, Answer, Door, Try, Visitor
from tests.testapp.models import Walk

ADMIN = "/admin/liveops/liveoperation/"


def _answer(response: Any, *, acted: bool = False) -> Answer:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    kept = ("Location", "HX-Redirect", "Content-Disposition", "ETag")
    headers = [f"{name}: {response.headers[name]}" for name in kept if name in response.headers]
    return Answer("\n".join([*headers, content.decode()]), response.status_code, acted)


def _get(path: str, **query: Any) -> Try:
    def attempt(visitor: Visitor, pk: Any) -> Answer:
        return _answer(visitor.client.get(path.format(pk), query))

    return attempt


def _post(path: str, **data: Any) -> Try:
    def attempt(visitor: Visitor, pk: Any) -> Answer:
        before = _footprint()
        response = visitor.client.post(
            path.format(pk), {name: value.format(pk) for name, value in data.items()}
        )
        answer = _answer(response, acted=_footprint() != before)
        visitor.client.cookies.pop("messages", None)  # or the next page would show them
        return answer

    return attempt


def _footprint() -> tuple[int, int]:
    return ControlRecord.objects.count(), LiveOperation.objects.count()


def _page(visitor: Visitor, pk: Any) -> Answer:
    return _answer(visitor.client.get(f"/live/{pk}/", {"stay": "1"}))


def _snapshot_by_token(visitor: Visitor, pk: Any) -> Answer:
    """Ask as a page does that has a token and no cookie at all."""
    headers = {"X-Liveop-Token": visitor.token}
    return _answer(Client().get(f"/live/{pk}/snapshot/", headers=headers))


def _search(visitor: Visitor, pk: Any) -> Answer:
    """Search the log; that there is a match is as good as the line itself."""
    answer = _answer(visitor.client.get(f"/live/{pk}/log/", {"q": SECRET}))
    return replace(answer, text=answer.text.replace('"matches": [1]', SECRET))


def _create(visitor: Visitor, pk: Any) -> Answer:
    """Start an operation of one's own, which has nothing to do with the one behind the doors."""
    before = Walk.objects.count()
    response = visitor.client.post("/walk/", {"items": "1", "label": "mine"})
    if made := Walk.objects.count() - before:
        assert Walk.objects.latest("created_on").owner == visitor.user
    return _answer(response, acted=bool(made))


def _redirect(visitor: Visitor, pk: Any) -> Answer:
    """Open the page of the operation that went on with the one behind the door."""
    before = LiveOperation.objects.get(next_operation=pk)
    response = visitor.client.get(f"/live/{before.pk}/")
    answer = _answer(response)
    return Answer(answer.text, 200 if response.status_code == 302 else response.status_code)


def _cookies(visitor: Visitor) -> bytes:
    pairs = (f"{name}={morsel.value}" for name, morsel in visitor.client.cookies.items())
    return "; ".join(pairs).encode()


def _frames(visitor: Visitor, pk: Any) -> dict[str, dict[str, Any]]:
    """Return what a page of a visitor may subscribe to that has to do with an operation."""
    found: dict[str, dict[str, Any]] = {"operation": {"op": str(pk), "token": visitor.token}}
    before = LiveOperation.objects.filter(next_operation=pk).first()
    if before is not None:
        # Whoever has no session got here by a page of the project's own.
        token = "" if visitor.user.is_authenticated else before.subscription_token
        found["chain"] = {"op": str(before.pk), "token": token}
        found |= {"list": {"list": ""}, "badge": {"badge": True}}
    return found


@asynchronous
async def _converse(visitor: Visitor, frames: Any, heard: dict[str, list[Any]]) -> None:
    """Subscribe on a socket with the cookies of a visitor; collect what each frame is answered."""
    served: Any = AuthMiddlewareStack(URLRouter(websocket_urlpatterns))

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await served({**scope, "headers": [(b"cookie", _cookies(visitor))]}, receive, send)

    async with Socket(application=application) as socket:
        for name, frame in frames.items():
            await socket.say({"subscribe": frame})
            heard[name] = [await socket.hear(), *await socket.hear_rest()]


def _socket(name: str) -> Try:
    """Return how a subscription is tried; all of a visitor's go over one socket."""

    def attempt(visitor: Visitor, pk: Any) -> Answer:
        if pk not in visitor.heard:
            heard = visitor.heard[pk] = {}
            _converse(visitor, _frames(visitor, pk), heard)
        frames = visitor.heard[pk][name]
        return Answer(json.dumps(frames), frames[0].get("error", 200))

    return attempt


def _tag(visitor: Visitor, pk: Any) -> Answer:
    """Show the operation by the template tag, on a page for whoever comes."""
    request = RequestFactory().get("/several/")
    request.user = visitor.user
    source = Template("{% load liveops %}{% live_operation op follow=False %}")
    operation = LiveOperation(pk=pk)
    html = source.render(Context({"op": operation, "request": request}))
    return Answer(html, 200 if "data-liveop-log-url" in html else LENT)


DOORS = {
    "lp": Door("the live page", _page),
    "sn": Door("the snapshot", _get("/live/{}/snapshot/")),
    "st": Door("the snapshot by token", _snapshot_by_token),
    "lo": Door("the log", _get("/live/{}/log/")),
    "se": Door("the search in the log", _search),
    "fi": Door("the log as a file", _get("/live/{}/log.txt")),
    "tb": Door("the traceback", _get("/live/{}/traceback/"), is_for_failed=True),
    "ca": Door("cancel", _post("/live/{}/cancel/")),
    "rs": Door("resume", _post("/live/{}/resume/"), is_for_failed=True),
    "ra": Door("restart", _post("/live/{}/restart/"), is_for_failed=True),
    "cr": Door("the form that starts one", _create, is_crowd=True),
    "li": Door("the list", _get("/live/"), is_crowd=True),
    "lf": Door("the list's fragments", _get("/live/", fragments="1"), is_crowd=True),
    "ba": Door("the badge", _get("/live/badge/"), is_crowd=True),
    "rd": Door("where its page leads on to", _redirect, is_crowd=True),
    "so": Door("the socket", _socket("operation")),
    "sl": Door("the list on the socket", _socket("list"), is_crowd=True),
    "sb": Door("the badge on the socket", _socket("badge"), is_crowd=True),
    "sc": Door("a chain on the socket", _socket("chain"), is_crowd=True),
    "tt": Door("the template tag", _tag),
    "al": Door("the admin's list", _get(ADMIN), is_crowd=True),
    "ar": Door("the admin's record", _get(ADMIN + "{}/change/")),
    "aa": Door(
        "an action of the admin", _post(ADMIN, action="cancel_selected", _selected_action="{}")
    ),
    "ad": Door("delete in the admin", _post(ADMIN + "{}/delete/", post="yes"), is_for_failed=True),
}
"""All of them, by the two letters that head their columns in a table."""

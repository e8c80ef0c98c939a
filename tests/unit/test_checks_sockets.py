"""The check that sees whether the socket is guarded: with routings as projects write them."""

import functools
import sys
from types import ModuleType
from typing import Any

import pytest
from channels.auth import AuthMiddlewareStack
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.middleware import BaseMiddleware
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator, OriginValidator
from channels.sessions import SessionMiddlewareStack
from django.core import checks
from django.urls import path

from liveops.checks import check_sockets
from liveops.consumers import LiveOperationConsumer
from liveops.routing import websocket_urlpatterns

ORIGIN, USER = "liveops.W010", "liveops.W011"


class TokenAuth(BaseMiddleware):
    """Knows users in a way of the project's own."""


class Plain:
    """Wraps an application, under a name that a test chooses."""

    def __init__(self, name: str, inside: Any) -> None:
        setattr(self, name, inside)

    async def __call__(self, *_: Any) -> None:
        """Serve nobody."""


class Mine(LiveOperationConsumer):
    """A consumer that a project derives."""


own: Any = Mine.as_asgi()


def router(routes: Any = None) -> Any:
    return URLRouter(list(websocket_urlpatterns) if routes is None else routes)


def around(inside: Any) -> Any:
    return ProtocolTypeRouter({"http": Plain("app", None), "websocket": inside})


def other() -> Any:
    return path("chat/", AsyncWebsocketConsumer.as_asgi())  # type: ignore[arg-type]


def ids(application: Any, monkeypatch: pytest.MonkeyPatch, settings: Any) -> list[str]:
    module = ModuleType("site_that_is_checked")
    module.application = application  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    settings.ASGI_APPLICATION = f"{module.__name__}.application"
    return [str(message.id) for message in check_sockets(None)]


@pytest.mark.promise("socket-origin-check")
@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda: around(AllowedHostsOriginValidator(AuthMiddlewareStack(router()))), []),
        (lambda: around(AuthMiddlewareStack(AllowedHostsOriginValidator(router()))), []),
        (lambda: around(OriginValidator(TokenAuth(router()), ["shop.example"])), []),
        (lambda: AllowedHostsOriginValidator(AuthMiddlewareStack(router())), []),
        (lambda: around(AuthMiddlewareStack(router())), [ORIGIN]),
        (lambda: around(AllowedHostsOriginValidator(router())), [USER]),
        (lambda: around(AllowedHostsOriginValidator(SessionMiddlewareStack(router()))), [USER]),
        (lambda: around(router()), [ORIGIN, USER]),
        (router, [ORIGIN, USER]),
        (Mine.as_asgi, [ORIGIN, USER]),
        (lambda: around(router([path("own/", own)])), [ORIGIN, USER]),
        (lambda: around(router([path("", router())])), [ORIGIN, USER]),
        (lambda: Plain("app", around(Plain("inner", router()))), [ORIGIN, USER]),
        (lambda: Plain("application", AllowedHostsOriginValidator(router())), [USER]),
        (lambda: functools.partial(around(router())), [ORIGIN, USER]),
        (
            lambda: around(
                router([other(), path("", AllowedHostsOriginValidator(router()))]),
            ),
            [USER],
        ),
        (lambda: around(router([other()])), []),
        (lambda: around(None), []),
        (lambda: ProtocolTypeRouter({}), []),
        (lambda: Plain("hidden", router()), []),
        (lambda: None, []),
    ],
    ids=range(21),
)
def test_what_is_missing_on_the_way_to_the_socket_is_told(
    make: Any, found: list[str], monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    assert ids(make(), monkeypatch, settings) == found


def test_a_wrapper_that_holds_itself_is_no_endless_way(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    endless = Plain("app", None)
    endless.app = Plain("inner", endless)  # type: ignore[attr-defined]
    assert ids(endless, monkeypatch, settings) == []


@pytest.mark.parametrize("setting", [None, ""])
def test_where_no_application_is_set_there_is_nothing_to_see(setting: Any, settings: Any) -> None:
    settings.ASGI_APPLICATION = setting
    assert check_sockets(None) == []


@pytest.mark.parametrize("setting", ["nowhere.application", "tests.settings.missing", "bare"])
def test_an_application_that_cannot_be_imported_is_named(setting: str, settings: Any) -> None:
    settings.ASGI_APPLICATION = setting
    (found,) = check_sockets(None)
    assert (found.id, found.level) == ("liveops.W009", checks.WARNING)
    assert setting in found.msg


def test_the_messages_say_what_to_do(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    assert ids(around(router()), monkeypatch, settings)
    origin, user = check_sockets(None)
    assert "AllowedHostsOriginValidator" in str(origin.hint)
    assert "AuthMiddlewareStack" in str(user.hint)

"""Whether the way to the socket is guarded: what stands between the server and our consumer."""

from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

from channels.auth import AuthMiddleware
from channels.routing import ProtocolTypeRouter
from channels.security.websocket import OriginValidator
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from liveops.checks.advice import SOCKET_LINE
from liveops.consumers import LiveOperationConsumer

_INSIDE = ("inner", "app", "application", "func", "__wrapped__")
"""Where wrappers keep what they wrap; the last two are of functools."""

_DEEPEST = 50


def socket_messages() -> list[CheckMessage]:
    """Return what is missing on the way to the socket, as far as that can be seen."""
    path = getattr(settings, "ASGI_APPLICATION", None)
    if not path:
        return []  # this process serves no sockets, or it cannot be seen how
    try:
        application = _imported(str(path))
    except Exception as error:  # noqa: BLE001  (whatever a module raises when it is loaded)
        message = f"ASGI_APPLICATION is {path!r}, which cannot be imported ({error!r})."
        hint = (
            "Write the path of the application in asgi.py, such as ASGI_APPLICATION = "
            "'config.asgi.application'; then it can be seen whether the socket is guarded."
        )
        return [checks.Warning(message, hint=hint, id="liveops.W009")]
    ways = list(ways_to_the_socket(application))
    found: list[CheckMessage] = []
    if any(not _is_passed(OriginValidator, way) for way in ways):
        found.append(
            checks.Warning(
                f"{path} does not check where sockets are opened from: any other site that "
                f"somebody visits could open one in their name, and read along.",
                hint=f"Write {SOCKET_LINE} there; AllowedHostsOriginValidator is in "
                f"channels.security.websocket.",
                id="liveops.W010",
            )
        )
    if any(not _knows_users(way) for way in ways):
        found.append(
            checks.Warning(
                f"{path} does not tell the socket who the user is, so pages are kept live by their "
                f"tokens alone: nobody can steer, and nobody can follow the list.",
                hint=f"Write {SOCKET_LINE} there; AuthMiddlewareStack is in channels.auth.",
                id="liveops.W011",
            )
        )
    return found


def ways_to_the_socket(application: Any) -> Iterator[tuple[Any, ...]]:
    """Give the wrappers that a connection passes on each way to our consumer, outermost first.

    Args:
        application: what the server calls.
    """
    yield from _ways(application, ())


def _ways(application: Any, passed: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if len(passed) > _DEEPEST or any(application is one for one in passed):
        return
    if _is_ours(application):
        yield passed
        return
    for inner in _insides(application):
        yield from _ways(inner, (*passed, application))


def _insides(application: Any) -> Iterable[Any]:
    """Return what an application hands connections on to; nothing if that cannot be seen."""
    if isinstance(application, ProtocolTypeRouter):
        return [application.application_mapping.get("websocket")]
    routes = getattr(application, "routes", None)
    if isinstance(routes, Iterable):  # Channels' URLRouter, or Starlette's
        return [getattr(route, "callback", None) or getattr(route, "app", None) for route in routes]
    inside = [getattr(application, name, None) for name in _INSIDE]
    return [one for one in inside if callable(one)]


def _is_ours(application: Any) -> bool:
    kind = getattr(application, "consumer_class", application)
    return isinstance(kind, type) and issubclass(kind, LiveOperationConsumer)


def _is_passed(kind: type, way: tuple[Any, ...]) -> bool:
    return any(isinstance(one, kind) for one in way)


def _knows_users(way: tuple[Any, ...]) -> bool:
    """Return whether something tells who the user is; one of the project's own is believed."""
    names = [type(one).__name__.lower() for one in way]
    return _is_passed(AuthMiddleware, way) or any("auth" in name for name in names)


def _imported(path: str) -> Any:
    module, _, name = path.rpartition(".")
    if not module:
        raise ImproperlyConfigured("it names no module")
    return getattr(import_module(module), name)

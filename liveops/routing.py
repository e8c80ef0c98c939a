"""The address of the socket."""

from typing import Any, cast

from django.urls import path

from liveops.addresses import socket_routes
from liveops.consumers import LiveOperationConsumer

__all__ = ["websocket_urlpatterns"]

_consumer = cast("Any", LiveOperationConsumer.as_asgi())

websocket_urlpatterns = [path(route, _consumer) for route in socket_routes()]

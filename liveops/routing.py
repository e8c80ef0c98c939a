"""The address of the socket."""

from typing import Any, cast

from django.urls import path

from liveops.consumers import LiveOperationConsumer

SOCKET_PATH = "/ws/liveops/"
"""Where pages connect to."""

websocket_urlpatterns = [
    path(SOCKET_PATH.lstrip("/"), cast("Any", LiveOperationConsumer.as_asgi())),
]

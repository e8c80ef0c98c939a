"""The address of the socket."""

from typing import Any, cast

from django.urls import path

from liveops.consumers import LiveOperationConsumer
from liveops.protocol import SOCKET_PATH

websocket_urlpatterns = [
    path(SOCKET_PATH.lstrip("/"), cast("Any", LiveOperationConsumer.as_asgi())),
]

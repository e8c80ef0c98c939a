"""Serve ours and the bare consumer beside each other, behind the same middleware."""

import os
from typing import Any, cast

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.benchmarks.serving.settings")
http = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402  (needs the app registry)
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path  # noqa: E402

from liveops.routing import websocket_urlpatterns  # noqa: E402
from tests.benchmarks.serving import counting  # noqa: E402
from tests.benchmarks.serving.bare import BareConsumer  # noqa: E402

counting.install()
bare = path("bare/<uuid:pk>/", cast("Any", BareConsumer.as_asgi()))
patterns: Any = [*websocket_urlpatterns, bare]
application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": AuthMiddlewareStack(URLRouter(patterns)),
    }
)

"""Serve a site: HTTP through Django, the live socket through Channels."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.engines.settings")
http = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402  (needs the app registry)
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler  # noqa: E402

import tests.engines.celery_app  # noqa: E402, F401  (the runner publishes through it)
from liveops.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": ASGIStaticFilesHandler(http),
        "websocket": AuthMiddlewareStack(URLRouter(websocket_urlpatterns)),
    }
)

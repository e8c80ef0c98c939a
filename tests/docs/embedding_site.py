"""The site of docs/how-to/embedding.md and own-pages.md: their files, and what tests need."""

from pathlib import Path

from tests.docs import site
from tests.docs.pages import blocks, files, named

PAGE = "how-to/embedding.md"
DESIGN = "how-to/own-pages.md"

_SETTINGS = """
ASGI_APPLICATION = "asgi.application"
ALLOWED_HOSTS = ["127.0.0.1"]
LIVEOPS = {"RUNNER": "thread", "RUNNER_THREADS": 20, "BASE_TEMPLATE": "shop/base.html"}
INSTALLED_APPS = ["django.contrib.sessions", "django.contrib.staticfiles", *INSTALLED_APPS]
MIDDLEWARE = [
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
CONTENT_SECURITY_POLICY = {"DIRECTIVES": {"default-src": ["'self'"]}}
LOGIN_URL = "/login/"
STATIC_URL = "static/"
TEMPLATES[0]["OPTIONS"] = {
    "context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
    ]
}
"""

_URLS = """
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import render

from shop import views
from shop.models import Patrol


def start(request):
    ada = User.objects.get(username="ada")
    login(request, ada, backend="django.contrib.auth.backends.ModelBackend")
    op = Patrol.objects.create(owner=ada)
    op.enqueue()
    return HttpResponse(str(op.pk))


def bare(request):
    own = request.GET.get("own", "")
    return render(request, "bare.html", {"own": own, "assets": "assets" in request.GET})


urlpatterns += [
    path("up/", lambda request: HttpResponse("yes")),
    path("favicon.ico", lambda request: HttpResponse(status=204)),
    path("start/", start),
    path("bare/", bare),
    path("panel/", views.panel),
    path("guest/", views.guest),
    path("fragment/<uuid:pk>/", views.fragment, name="fragment"),
]
"""

_BARE = """
{% load liveops static %}
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Bare</title>
    <meta name="htmx-config" content='{"includeIndicatorStyles": false, "allowEval": false}'>
    {% if own %}<script src="{% static "django_htmx/htmx-" %}{{ own }}.js"></script>{% endif %}
    {% if assets %}{% liveops_assets %}{% endif %}
    <script src="{% static "shop/show.js" %}" defer></script>
    <script src="{% static "shop/own.js" %}" defer></script>
  </head>
  <body>
    <button hx-get="/up/" hx-target="#place">Up</button>
    <div id="place"></div>
  </body>
</html>
"""

_ASGI = """
import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "mysite"
http = ASGIStaticFilesHandler(get_asgi_application())

from liveops.routing import websocket_urlpatterns

socket = AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
application = ProtocolTypeRouter(
    {"http": http, "websocket": AllowedHostsOriginValidator(socket)}
)
"""


def build(folder: Path) -> None:
    """Write the site into a folder, and set up its database."""
    written = {
        **files(PAGE),
        **named(blocks(PAGE, "django")),
        **named(blocks(PAGE, "js")),
        **named(blocks(DESIGN, "django")),
        **named(blocks(DESIGN, "css")),
        "mysite.py": site._SETTINGS + _SETTINGS,
        "urls.py": site._URLS + _URLS,
        "asgi.py": _ASGI,
        "shop/templates/bare.html": _BARE,
    }
    site.build(folder, written)

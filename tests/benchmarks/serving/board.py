"""Pages with many operations, ours and a bare one, and what these operations do.

The bare page is what somebody would write by hand: it puts the HTML of each frame into an element.
"""

import threading
from typing import Any

from django.contrib.staticfiles.views import serve
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.urls import path

from liveops.models import LiveOperation
from liveops.progress import Progress
from tests.benchmarks.serving.urls import urlpatterns as plain
from tests.testapp.models import Scripted

SECONDS, HZ = 3, 10

_OURS = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Board</title>
{% load liveops %}{% liveops_assets %}</head><body class="liveops-page">
{% for op in operations %}{% live_operation op %}{% endfor %}</body></html>"""

_BARE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Board</title></head>
<body>{% for op in operations %}
<section data-op="{{ op.pk }}" data-token="{{ op.subscription_token }}"></section>
{% endfor %}<script>
const socket = new WebSocket(`ws://${location.host}/ws/liveops/`);
const sections = [...document.querySelectorAll("section")];
socket.onopen = () => sections.forEach(({ dataset: { op, token } }) =>
  socket.send(JSON.stringify({ subscribe: { op, token } })));
socket.onmessage = ({ data }) => {
  const { op, liveop_html: html, liveop_finished: end } = JSON.parse(data);
  const section = document.querySelector(`[data-op="${op}"]`);
  if (html) section.innerHTML = html;
  section.dataset.liveopConnection = end ? "" : "live";
};
</script></body></html>"""


def board(request: HttpRequest, template: str = _OURS) -> HttpResponse:
    """Show the operations that are asked for."""
    context = Context({"operations": _asked(request), "request": request})
    return HttpResponse(Template(template).render(context))


def begin(request: HttpRequest) -> HttpResponse:
    """Start the operations that are asked for."""
    for operation in _asked(request):
        operation.enqueue()
    return HttpResponse("begun")


def static(request: HttpRequest, name: str) -> Any:
    """Send a file of an app."""
    return serve(request, name, insecure=True)


def _asked(request: HttpRequest) -> list[LiveOperation]:
    return [LiveOperation.objects.get(pk=pk).specific for pk in request.GET.getlist("op")]


def _talk(operation: Scripted, p: Progress) -> None:
    """Say something new ten times a second: a status, a percentage, a line."""
    pause, number = threading.Event(), SECONDS * HZ
    with p.stage("Load"):
        for n in range(number):
            pause.wait(1 / HZ)
            p.log(f"line {n}, about as long as the lines of a log are on most days")
            p.percent(100 * n / number)
            p.status(f"number {n} of {number}")


Scripted.body = _talk

urlpatterns = [
    *plain,
    path("static/<path:name>", static),
    path("board/", board),
    path("bare/", board, {"template": _BARE}),
    path("begin/", begin),
]

"""Use the operations of several guides in one site; tell what came of it as JSON.

This is a program: it runs in the folder of the site that ``test_guides.py`` builds. It does what
the guides say can be done, in one process, since loading Django takes longer than all of it.
"""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

import django
from django.core.management import call_command

os.environ["DJANGO_SETTINGS_MODULE"] = "mysite"
sys.path.insert(0, str(Path.cwd()))
django.setup()

call_command("check", fail_level="WARNING", stdout=StringIO())
call_command("migrate", run_syncdb=True, verbosity=0)

from channels.testing import ApplicationCommunicator, WebsocketCommunicator  # noqa: E402
from django.contrib import admin  # noqa: E402
from django.contrib.auth.models import AnonymousUser, User  # noqa: E402
from django.template.loader import render_to_string  # noqa: E402
from django.test import Client, RequestFactory  # noqa: E402
from django.utils.translation import gettext, ngettext, override  # noqa: E402

from liveops import control  # noqa: E402
from liveops.models import LiveOperation  # noqa: E402
from liveops.progress import Progress  # noqa: E402

application = import_module("asgi").application
models, staff = import_module("shop.models"), import_module("staff.models")
ADA = User.objects.create_superuser("ada")


def main() -> None:
    """Do everything, and print what came of it."""
    told = {each.__name__: each() for each in PARTS}
    json.dump(told, sys.stdout)


def ended(operation: LiveOperation) -> dict[str, Any]:
    """Return how an operation ended, and what it logged."""
    operation.refresh_from_db()
    return {
        "state": operation.get_state(),
        "result": operation.result_context,
        "log": list(operation.log_lines.order_by("seq").values_list("text", flat=True)),
        "stages": operation.stage_states,
    }


def chain() -> list[Any]:
    """Return how the two operations of the guide about chains ended."""
    Path("rows.csv").write_text("apples\npears\n", encoding="utf-8")
    first = models.Import.objects.create(owner=ADA, path="rows.csv")
    first.enqueue()
    first.refresh_from_db()
    following = first.next_operation.specific
    return [ended(first), type(following).__name__, following.owner == ADA, ended(following)]


@contextmanager
def shutting_down(stage: str) -> Iterator[None]:
    """Have every run that begins hear that its process is to stop, once it is in a stage."""

    def is_so(p: Progress) -> bool:
        return bool(p.operation.stage_states.get(stage) == "active")

    with mock.patch.object(Progress, "shutting_down", property(is_so)):
        yield


def leaving_off() -> list[Any]:
    """Return how the letters were sent when the process was stopped, and after that."""
    letters = models.SendLetters.objects.create(next_letter=9_990)
    with shutting_down("Send"):
        letters.enqueue()
    before = ended(letters)
    control.resume(letters)
    return [before, ended(letters)]


def going_on() -> list[Any]:
    """Return how a stage that was done is passed by, and the next one begins anew."""
    prices = models.ImportPrices.objects.create()
    prices.enqueue()
    whole = ended(prices)
    return [whole, models.ImportPrices.resume_on_interrupt, models.ImportStock.resume_on_interrupt]


def secret() -> list[Any]:
    """Return what is stored of an operation with a secret, and what it prints."""
    operation = models.Publish.objects.create()
    printed = StringIO()
    operation.enqueue()
    call_command("run_liveop", "shop.Publish", stdout=printed)
    return [ended(operation), printed.getvalue()]


def translated() -> list[Any]:
    """Return what is said in the site's own words, and in which language operations are."""
    ship = models.Ship.objects.create()
    ship.enqueue()
    scope: dict[str, Any] = {}
    exec(Path("french.py").read_text(encoding="utf-8"), scope)  # noqa: S102  (the page's own code)
    with override("de"):
        words = [gettext("Start again"), ngettext("parcel", "parcels", 2)]
    page = Client(headers={"accept-language": "de"}).get("/live/", follow=True)
    languages = [operation.language for operation in models.Publish.objects.order_by("created_on")]
    return [ended(ship), words, page.headers["Content-Language"], languages[-1]]


def in_the_admin() -> list[Any]:
    """Return what the admin shows of a class that is registered."""
    ada = Client()
    ada.force_login(ADA)
    operation = models.ImportAirports.objects.create(source="all.csv", api_key="k-4711")
    address = "/admin/shop/importairports/"
    rows, record = ada.get(address), ada.get(f"{address}{operation.pk}/change/")
    kinds = [kind.__name__ for kind in admin.site._registry]
    return [rows.content.decode(), record.content.decode(), kinds]


def sockets() -> list[Any]:
    """Return whether a page of the site may open a socket, and one of another; and the lifespan."""
    return asyncio.run(_sockets())


async def _sockets() -> list[Any]:
    opened = []
    for origin in (b"http://testserver", b"http://evil.example"):
        socket = WebsocketCommunicator(application, "/ws/liveops/", [(b"origin", origin)])
        opened.append((await socket.connect(timeout=30))[0])
        await socket.disconnect()
    server = ApplicationCommunicator(application, {"type": "lifespan"})
    await server.send_input({"type": "lifespan.startup"})
    return [*opened, (await server.receive_output(30))["type"]]


def by_a_rule() -> list[Any]:
    """Return what a member of a department sees of its payroll, and somebody else."""
    department = staff.Department.objects.create()
    department.members.add(User.objects.create_user("mary"))
    operation = models.Payroll.objects.create(department=department, owner=ADA)
    seen = []
    for name in ("mary", "eve"):
        user, _ = User.objects.get_or_create(username=name)
        client = Client()
        client.force_login(user)
        shown = client.get("/live/").content.decode()
        seen.append(
            [client.get(operation.get_absolute_url()).status_code, str(operation.pk) in shown]
        )
    return seen


def by_a_link() -> list[Any]:
    """Return what somebody without an account is shown, in a page of one's own and by a link."""
    request = RequestFactory().post("/")
    request.user = ADA
    operation = models.ImportAirports.objects.create(source="all.csv", api_key="k-4711")
    operation.enqueue()
    given = import_module("shop.sharing").share(request, operation.pk)
    request.user = AnonymousUser()
    container = render_to_string("shown.html", {"op": operation}, request)
    address, _, token = given.content.decode().partition("#")
    page = Client().post(address, {"token": token}, follow=True)
    return [container, page.content.decode()]


def leading_on() -> list[Any]:
    """Return where two operations lead, and the page of the one that keeps its readers."""
    addresses: list[str | None] = []
    ada = Client()
    ada.force_login(ADA)
    for opens in (True, False):
        operation = models.PriceList.objects.create(owner=ADA, opens=opens)
        operation.enqueue()
        addresses.insert(0, operation.get_success_url())
    page = ada.get(operation.get_absolute_url()).content.decode()
    operation.refresh_from_db()
    return [addresses, page, operation.result_context["address"]]


PARTS = (
    leading_on,
    *(chain, leaving_off, going_on, secret, translated),
    *(in_the_admin, sockets, by_a_rule, by_a_link),
)

if __name__ == "__main__":
    main()

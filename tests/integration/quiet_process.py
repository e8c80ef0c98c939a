"""Use all of the package in a process of its own, and tell which connections it asked for.

Run it with DJANGO_SETTINGS_MODULE and a database of its own. It prints JSON: the modules that were
imported, the pages that were read, and the attempts to reach anything.
"""

import importlib
import io
import json
import pkgutil
import sys

ATTEMPTS: list[str] = []
_WATCHED = {
    *("socket.connect", "socket.sendto", "socket.sendmsg"),
    *("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"),
    *("urllib.Request", "http.client.connect", "ftplib.connect", "smtplib.connect"),
}


def note(event: str, arguments: tuple[object, ...]) -> None:
    """Write down what would leave the machine, or ask for an address."""
    if event in _WATCHED:
        ATTEMPTS.append(f"{event} {arguments!r}")


def imported() -> list[str]:
    """Import every module of the package; return their names."""
    import liveops  # noqa: PLC0415  (after Django was set up)

    names = [each.name for each in pkgutil.walk_packages(liveops.__path__, "liveops.")]
    for name in names:
        importlib.import_module(name)
    return names


def pages() -> dict[str, int]:
    """Run operations and read every page; return the status of each."""
    # Only after Django was set up.
    from asgiref.sync import async_to_sync  # noqa: PLC0415
    from django.contrib.auth.models import User  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415

    from liveops.models import LiveOperation  # noqa: PLC0415
    from tests.integration.edge import Socket  # noqa: PLC0415
    from tests.testapp.models import Walk  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    user = User.objects.create_superuser("ada")
    client = Client()
    client.force_login(user)
    created = client.post("/walk/", {"items": 3, "label": "Walking"})
    operation = Walk.objects.get()
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    LiveOperation.objects.filter(pk=operation.pk).update(traceback="one")

    async def watch() -> None:
        async with Socket(user) as socket:
            await socket.subscribe(operation)

    async_to_sync(watch)()
    call_command("run_liveop", "testapp.Walk", "--owner", "ada", stdout=io.StringIO())
    call_command("liveops_list", stdout=io.StringIO())
    call_command("liveops_reap", stdout=io.StringIO())
    live, admin = f"/live/{operation.pk}", "/admin/liveops/liveoperation"
    read = [f"{live}/{name}" for name in ("", "log/", "log.txt", "snapshot/", "traceback/")]
    read += [f"{admin}/", f"{admin}/{operation.pk}/change/", f"{admin}/{operation.pk}/delete/"]
    read += ["/live/", "/live/badge/", "/walk/", "/admin/", "/admin/testapp/typed/"]
    found = {address: client.get(address).status_code for address in read}
    return {**found, "created": created.status_code, "none": client.get("/live/x/").status_code}


def main() -> None:
    """Do all of it under the watch."""
    sys.addaudithook(note)
    import django  # noqa: PLC0415  (to be watched, too)

    django.setup()
    from django.conf import settings  # noqa: PLC0415

    settings.ROOT_URLCONF = "tests.testapp.urls"
    told = {"modules": imported(), "pages": pages(), "attempts": ATTEMPTS}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()

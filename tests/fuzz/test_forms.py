"""Whatever a form is filled with: it comes again, or one operation of one's own is started."""

import random
from typing import Any

import pytest
from django.test.client import ClientHandler

from liveops.models import LiveOperation
from tests.fuzz.asking import TYPES, Request, answer, encoded
from tests.fuzz.cases import seeds
from tests.fuzz.hostile import text
from tests.fuzz.world import World, rows
from tests.integration.reaping import NOTING

FORMS = {"/walk/": ("items", "label"), "/typed/": ("title", "number", "source")}
COLUMNS = ("owner", "id", "state", "run_id", "finished_on", "cancelled", "operation_type")


def part(name: str, value: str) -> bytes:
    """Return a part of a form with files; the boundary is one letter."""
    head = f'--x\r\nContent-Disposition: form-data; name="{name}"; filename="{value[:50]}"\r\n\r\n'
    return f"{head}{value}\r\n".encode("utf-8", "surrogatepass")


def hostile_form(chance: random.Random, known: list[str]) -> Request:
    """Return the answer to a form, with values for columns that it does not offer."""
    path = chance.choice(list(FORMS))
    names = [*FORMS[path], chance.choice(COLUMNS), chance.choice([*FORMS[path], *COLUMNS, ""])]
    pairs = [(name, chance.choice([text(chance, *known), "3"])) for name in names]
    if chance.random() < 0.7:
        return Request("POST", path, "", {"Content-Type": TYPES[0]}, encoded(pairs).encode())
    body = b"".join(part(*pair) for pair in pairs) + chance.choice([b"--x--", b"", b"--"])
    return Request("POST", path, "", {"Content-Type": "multipart/form-data; boundary=x"}, body)


@pytest.mark.urls("tests.testapp.urls")
def test_no_form_breaks_what_starts_operations(world: World, settings: Any) -> None:
    settings.LIVEOPS = {"RUNNER": NOTING}
    handler, before = ClientHandler(enforce_csrf_checks=False), rows()
    owner, known, started = world.people["owner"], world.ids(), 0
    for chance in seeds("test_forms.py::test_no_form_breaks_what_starts_operations"):
        request = hostile_form(chance, known)
        given = answer(handler, request, world.cookies["owner"])
        assert given.status in {200, 302, 400}, request
        started += given.status == 302
    new = LiveOperation.objects.exclude(
        pk__in=[row["id"] for row in before["liveops.LiveOperation"]]
    )
    assert new.count() == started > 0
    assert set(new.values_list("owner", flat=True)) == {owner.pk}
    assert set(new.values_list("operation_type", flat=True)) <= {"testapp.Walk", "testapp.Typed"}
    new.delete()
    assert rows() == before

"""Tools for the tests of the admin: its pages as trees, and what stands in them."""

import re
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from liveops.models import LiveOperation
from tests.integration.edge import person
from tests.integration.markup import Element, parse

LIST = "/admin/liveops/liveoperation/"
TYPED = "/admin/testapp/typed/"


def staff(name: str, *permissions: str, **fields: Any) -> User:
    """Return a new member of staff with permissions such as ``liveops.view_liveoperation``."""
    return person(name, *permissions, is_staff=True, **fields)


def address(operation: Any, page: str = "change", base: str = LIST) -> str:
    """Return the address of an operation's page in the admin."""
    return f"{base}{operation.pk}/{page}/"


def opened(client: Client, url: str) -> Element:
    """Return a page of the admin; a strict content security policy would let it be."""
    response = client.get(url)
    assert response.status_code == 200, (url, response.status_code)
    # Some of Django's templates close elements that have no end, as XHTML did.
    return parse(
        re.sub(r"(<(?:br|hr|img|input|link|meta)\b[^>]*?)\s*/>", r"\1>", response.content.decode())
    )


def with_class(page: Element, name: str) -> list[Element]:
    """Return the elements that have a class, whatever else they have."""
    return [e for e in page.walk() if name in e.attributes.get("class", "").split()]


def listed(client: Client, query: str = "", base: str = LIST) -> list[str]:
    """Return the ids of the operations in the list, in its order."""
    page = opened(client, base + query)
    links = [th.one("a") for th in with_class(page, "field-op_title")]
    return [link.attributes["href"].removeprefix(base).split("/")[0] for link in links]


def ids(*operations: Any) -> list[str]:
    """Return the ids as texts."""
    return [str(operation.pk) for operation in operations]


def shown(page: Element, field: str) -> str:
    """Return what a record shows of a field."""
    (row,) = [
        box
        for box in with_class(page, f"field-{field}")
        if any("readonly" in e.attributes.get("class", "") for e in box.walk())
        and not with_class(box, f"field-{field}")
    ]
    return with_class(row, "readonly")[0].text.strip()


def fieldset_names(page: Element) -> list[str]:
    """Return the headings of a record, in their order."""
    return [heading.text for heading in with_class(page, "fieldset-heading")]


def ended(model: Any, state: str, **fields: Any) -> Any:
    """Return an operation in a state that it got into without a run."""
    columns: dict[str, dict[str, Any]] = {
        "STARTED": {},
        "FINISHED_OK": {"finished_successfully": True},
        "FINISHED_ERROR": {},
        "CANCELLED": {"cancelled": True},
        "INTERRUPTED": {"interrupted": True},
    }
    operation = model.objects.create(**fields)
    now = timezone.now()
    values = {"started_on": now - timedelta(seconds=75), **columns[state]}
    if state != "STARTED":
        values["finished_on"] = now
    LiveOperation.objects.filter(pk=operation.pk).update(**values)
    operation.refresh_from_db()
    assert operation.get_state() == state
    return operation

"""The people and operations that hostile input is tried on, and all rows of them."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.test import Client

from liveops.models import LiveOperation
from liveops.progress import Progress
from tests.integration.edge import person
from tests.integration.helpers import run_scripted
from tests.testapp.models import Scripted, Typed, Walk

SECRET = "kept-from-strangers"
"""What a log says."""

HIDDEN = "kept-from-watchers"
"""What tracebacks say."""


@dataclass
class World:
    """One owner, some who are not, and operations of both.

    Attributes:
        people: by what they may; ``owner`` steers what is theirs.
        own: operations of the owner: one that succeeded, a chain, one that waits, one that failed.
        foreign: operations of somebody else, whose log holds :data:`SECRET`.
        probe: one of the owner's that no hostile input names.
        cookies: the session of each of the people.
    """

    people: dict[str, Any]
    own: list[LiveOperation]
    foreign: list[LiveOperation]
    probe: LiveOperation
    cookies: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls) -> "World":
        """Fill the database."""
        people: dict[str, Any] = {
            "anonymous": AnonymousUser(),
            "owner": person("owner"),
            "stranger": person("stranger"),
            "viewer": person("viewer", "testapp.view_scripted", is_staff=True),
            "inactive": person("inactive", is_active=False),
        }
        owner, other = people["owner"], person("other")
        following = Scripted.objects.create(owner=owner)

        def body(op: Scripted, p: Progress) -> None:
            with p.stage("Load"):
                p.log(SECRET if op.owner_id == other.pk else "a line", level="warning")
            if op.note == "fails":
                raise LookupError(HIDDEN)
            if op.note == "goes on":
                p.chain_to(following)

        own = [
            run_scripted(body, owner=owner)[0],
            run_scripted(body, owner=owner, note="goes on")[0],
            following,
            Walk.objects.create(owner=owner),
            run_scripted(body, owner=owner, note="fails")[0],
        ]
        foreign = [
            run_scripted(body, owner=other)[0],
            run_scripted(body, owner=other, note="fails")[0],
            Typed.objects.create(owner=other, title=SECRET[:20]),
        ]
        made = cls(people, own, foreign, Walk.objects.create(owner=owner))
        for name, user in people.items():
            client = Client()
            if user.is_authenticated:
                client.force_login(user)
            made.cookies[name] = client.cookies.output(attrs=[], header="", sep=";").strip()
        return made

    def ids(self) -> list[str]:
        """Return the ids that hostile input may name: of all operations but one, and of none."""
        known = [str(operation.pk) for operation in (*self.own, *self.foreign)]
        return [*known, str(uuid.UUID(int=0)), str(uuid.UUID(int=2**128 - 1))]


def rows() -> dict[str, list[dict[str, Any]]]:
    """Return everything that is stored of operations and users."""
    kept: list[Any] = [*apps.get_app_config("liveops").get_models(), Scripted, Walk, Typed]
    kept += apps.get_app_config("auth").get_models()
    return {model._meta.label: list(model._base_manager.order_by("pk").values()) for model in kept}

"""Who may watch, steer and debug: one rule for every door, and signed tokens."""

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from liveops import access
from liveops.models import LiveOperation
from tests.integration.edge import person
from tests.testapp.models import Scripted, Walk

pytestmark = pytest.mark.django_db

NOTHING: set[str] = set()
WATCH = {"view"}
STEER = {"view", "control"}
ALL = {"view", "control", "debug"}


def rights(operation: Any, user: Any) -> set[str]:
    """Return what the user may, through every question that can be asked."""
    found = {
        name
        for name, answer in {
            "view": access.can_view(operation, user),
            "control": access.can_control(operation, user),
            "debug": access.can_debug(operation, user),
        }.items()
        if answer
    }
    assert operation.can_view(user) == ("view" in found)
    assert operation.can_control(user) == ("control" in found)
    return found


@pytest.mark.parametrize(
    ("permissions", "fields", "expected"),
    [
        ((), {}, NOTHING),
        ((), {"is_staff": True}, NOTHING),
        ((), {"is_superuser": True}, ALL),
        ((), {"is_superuser": True, "is_active": False}, NOTHING),
        (("liveops.view_liveoperation",), {}, WATCH),
        (("liveops.change_liveoperation",), {}, ALL),
        (("testapp.view_walk",), {}, WATCH),
        (("testapp.change_walk",), {}, ALL),
        (("testapp.view_scripted", "testapp.change_scripted"), {}, NOTHING),
        (("liveops.delete_liveoperation", "testapp.add_walk"), {}, NOTHING),
    ],
)
def test_what_somebody_may_do_with_the_operation_of_another(
    permissions: tuple[str, ...], fields: dict[str, Any], expected: set[str]
) -> None:
    operation = Walk.objects.create(owner=person("owner"))
    somebody = person("somebody", *permissions, **fields)
    assert rights(operation, somebody) == expected
    assert rights(Walk.objects.create(), somebody) == expected, "nobody's operation"


def test_the_owner_watches_and_steers_but_reads_tracebacks_only_by_permission() -> None:
    owner, expert = person("owner"), person("expert", "testapp.change_walk")
    assert rights(Walk.objects.create(owner=owner), owner) == STEER
    assert rights(Walk.objects.create(owner=expert), expert) == ALL


def test_an_inactive_owner_may_nothing() -> None:
    owner = person("owner", is_active=False)
    assert rights(Walk.objects.create(owner=owner), owner) == NOTHING


@pytest.mark.parametrize("nobody", [None, AnonymousUser()])
def test_without_a_login_nothing_is_allowed_on_nobodys_operation(nobody: Any) -> None:
    assert rights(Walk.objects.create(), nobody) == NOTHING
    assert not access.sees_everything(nobody)


def test_the_required_group_is_a_gate_before_everything_else(settings: Any) -> None:
    settings.LIVEOPS = {"REQUIRED_GROUP": "crew"}
    outside = person("outside", "liveops.change_liveoperation")
    inside = person("inside", group="crew")
    stranger = person("stranger", group="crews")
    root = person("root", is_superuser=True)
    assert rights(Walk.objects.create(owner=outside), outside) == NOTHING
    assert rights(Walk.objects.create(owner=stranger), stranger) == NOTHING
    assert rights(Walk.objects.create(owner=inside), inside) == STEER
    assert rights(Walk.objects.create(owner=outside), inside) == NOTHING
    assert rights(Walk.objects.create(owner=outside), root) == ALL


def test_an_operation_loaded_as_its_base_class_is_judged_by_its_own() -> None:
    operation = Walk.objects.create(owner=person("owner"))
    base = LiveOperation.objects.get(pk=operation.pk)
    assert rights(base, person("watcher", "testapp.view_walk")) == WATCH


def test_a_class_may_decide_for_itself_and_every_door_asks_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Scripted, "can_view", lambda op, user: user.username.startswith("aud"))
    operation = Scripted.objects.create(owner=person("owner"))
    assert operation.can_view(person("auditor"))
    assert not operation.can_view(operation.owner)


def test_a_token_is_good_for_its_own_operation_only() -> None:
    one, other = Walk.objects.create(), Walk.objects.create()
    token = one.subscription_token
    assert access.token_allows(token, one.pk)
    assert not access.token_allows(token, other.pk)


@pytest.mark.parametrize(
    "forge",
    [
        lambda token, pk: "",
        lambda token, pk: "nonsense",
        lambda token, pk: str(pk),
        lambda token, pk: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token, pk: token.replace(token.split(":")[1], "000000"),
        lambda token, pk: f"{pk}:::",
        lambda token, pk: token + "é",
        lambda token, pk: token + "\ud800",
        lambda token, pk: f"\ud800:{token}",
        lambda token, pk: "\x00",
        lambda token, pk: ":" * 4000,
    ],
)
def test_a_forged_token_is_refused(forge: Any) -> None:
    pk = uuid.uuid4()
    assert not access.token_allows(forge(access.make_token(pk), pk), pk)


def test_a_token_signed_for_another_purpose_is_refused() -> None:
    from django.core import signing  # noqa: PLC0415  (what a forger has at hand)

    pk = uuid.uuid4()
    assert not access.token_allows(signing.TimestampSigner().sign(str(pk)), pk)
    assert not access.token_allows(signing.dumps(str(pk)), pk)


def test_a_token_ends_when_the_setting_says(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.LIVEOPS = {"TOKEN_MAX_AGE": 60}
    now = 1_800_000_000.0
    monkeypatch.setattr("django.core.signing.time.time", lambda: now)
    pk = uuid.uuid4()
    token = access.make_token(pk)
    now += 59
    assert access.token_allows(token, pk)
    now += 2
    assert not access.token_allows(token, pk)


def test_those_who_may_watch_all_of_them_see_everything() -> None:
    assert access.sees_everything(person("viewer", "liveops.view_liveoperation"))
    assert access.sees_everything(person("editor", "liveops.change_liveoperation"))
    assert access.sees_everything(person("root", is_superuser=True))
    assert not access.sees_everything(person("walker", "testapp.view_walk"))
    assert not access.sees_everything(person("idle", is_superuser=True, is_active=False))

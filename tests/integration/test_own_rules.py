"""Classes with a rule of their own for who may watch, in everything that shows many operations."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.db.models import Q
from django.test import Client

from liveops import access
from liveops.models import LiveOperation
from liveops.overview import badge
from liveops.overview.reach import Reach
from tests.integration.admin_pages import LIST, TYPED, ids, listed, staff
from tests.integration.edge import person
from tests.testapp.models import Scripted, Typed, Walk

pytestmark = pytest.mark.django_db

Shown = Callable[[Any], set[Any]]


def by_access(user: Any) -> set[Any]:
    return set(LiveOperation.objects.filter(access.visible_to(user)).values_list("pk", flat=True))


def by_reach(user: Any) -> set[Any]:
    reach = Reach.of(user)
    return set(reach.operations().values_list("pk", flat=True)) if reach is not None else set()


@pytest.fixture(params=[by_access, by_reach])
def shown(request: pytest.FixtureRequest) -> Shown:
    """Return what tells which operations are in the lists of somebody."""
    found: Shown = request.param
    return found


@pytest.mark.promise("own-rule-in-lists")
def test_a_class_that_lists_do_not_know_the_rule_of_is_in_none(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Scripted, "can_view", lambda op, user: user.username == "auditor")
    owner, root = person("owner"), person("root", is_superuser=True)
    Scripted.objects.create(owner=owner)
    walk = Walk.objects.create(owner=owner)
    assert shown(owner) == shown(root) == {walk.pk}
    assert shown(person("auditor")) == set()


def test_a_class_that_says_its_rule_for_lists_is_shown_by_it(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = classmethod(lambda cls, user: Q(scripted__note=user.username))
    monkeypatch.setattr(Scripted, "can_view", lambda op, user: op.note == user.username)
    monkeypatch.setattr(Scripted, "visible_to", rule)
    owner, auditor = person("owner"), person("auditor")
    theirs = Scripted.objects.create(owner=owner, note="auditor")
    walk = Walk.objects.create(owner=owner)
    assert shown(owner) == {walk.pk}
    assert shown(auditor) == {theirs.pk}
    assert shown(person("root", is_superuser=True)) == {walk.pk}
    assert badge.read(Reach.of(auditor) or Reach(None)).waiting == 1
    assert shown(AnonymousUser()) == set()


def test_the_default_rule_as_a_condition(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = classmethod(access.visible_by_default)
    monkeypatch.setattr(Scripted, "visible_to", rule)
    owner = person("owner")
    mine, other = Scripted.objects.create(owner=owner), Scripted.objects.create()
    assert shown(owner) == {mine.pk}
    assert shown(person("viewer", "testapp.view_scripted")) == {mine.pk, other.pk}
    assert shown(person("nobody", is_active=False)) == set()


def test_without_such_classes_the_condition_is_the_short_one() -> None:
    assert access.visible_to(person("root", is_superuser=True)) == Q()


def test_a_rule_that_reaches_many_rows_shows_each_operation_once(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A team of three has one operation in its lists, and one in its numbers."""
    team = Group.objects.create(name="team")
    owner, *_ = members = [person(name) for name in ("owner", "second", "third")]
    team.user_set.add(*members)
    rule = classmethod(lambda cls, user: Q(owner__groups__user__is_active=True))
    monkeypatch.setattr(Scripted, "can_view", lambda op, user: True)
    monkeypatch.setattr(Scripted, "visible_to", rule)
    operation = Scripted.objects.create(owner=owner)
    found = LiveOperation.objects.filter(access.visible_to(members[1]))
    assert list(found.values_list("pk", flat=True)) == [operation.pk]
    assert shown(members[1]) == {operation.pk}
    assert badge.read(Reach.of(members[1]) or Reach(None)).waiting == 1


def test_the_admin_of_the_class_itself_lists_by_its_rule(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = classmethod(lambda cls, user: Q(typed__text=user.get_username()))
    monkeypatch.setattr(Typed, "can_view", lambda op, user: op.text == user.get_username())
    monkeypatch.setattr(Typed, "visible_to", rule)
    auditor, owner = staff("auditor"), staff("owner")
    theirs = Typed.objects.create(owner=owner, text="auditor")
    for user, expected in ((auditor, ids(theirs)), (staff("root", is_superuser=True), [])):
        client.force_login(user)
        for base in (LIST, TYPED):
            assert listed(client, base=base) == expected, (user, base)
            assert listed(client, "?q=auditor", base=base) == [], (user, base)
            assert listed(client, "?q=owner", base=base) == expected, (user, base)

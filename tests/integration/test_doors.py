"""Every visitor at every door: one table of what opens, and nothing of the rest leaks."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from django.db.models import Q

from tests.integration.doors import DOORS
from tests.integration.house import House
from tests.integration.visitors import VISITORS, crew
from tests.testapp.models import Flaky

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.testapp.urls")]

# +  open: shown, or done               x  denied: it may be watched, but not this
# .  as if there were no operation      p  lent: a page of the project's own shows it to all
#
# lp live page   sn snapshot   st snapshot by token   lo log   se search in it   fi log as a file
# tb traceback   ca cancel   rs resume   ra restart   cr form that starts one of one's own
# li list   lf its fragments   ba badge   rd where the page of the operation before leads on to
# so socket   sl, sb list and badge on it   sc end of the operation before on it   tt template tag
# al list in the admin   ar record   aa action   ad delete
BY_THE_RULE = """
                        lp sn st lo se fi tb ca rs ra cr li lf ba rd so sl sb sc tt al ar aa ad
anonymous               .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  p  .  .  .  .
other user              .  .  .  .  .  .  .  .  .  .  +  .  .  .  .  .  .  .  .  p  .  .  .  .
outside the group       .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  p  .  .  .  .
owner                   +  +  +  +  +  +  x  +  +  +  +  +  +  +  +  +  +  +  +  +  .  .  .  .
staff, may view         +  +  +  +  +  +  x  x  x  x  +  +  +  +  +  +  +  +  +  +  +  +  .  .
staff, may change       +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  .
staff, may delete       .  .  .  .  .  .  .  .  .  .  +  .  .  .  .  .  .  .  .  p  .  .  .  .
superuser               +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +  +
owner, left group       .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  p  .  .  .  .
owner, inactive         .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  p  .  .  .  .
owner, gave it away     .  .  .  .  .  .  .  .  .  .  +  .  .  .  .  .  .  .  .  p  .  .  .  .
owner, logged out       .  .  +  .  .  .  .  .  .  .  .  .  .  .  .  +  .  .  .  p  .  .  .  .
page token              .  .  +  .  .  .  .  .  .  .  .  .  .  .  .  +  .  .  .  p  .  .  .  .
old page token          .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  p  .  .  .  .
token of another        .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  p  .  .  .  .
viewer's page           .  .  +  .  .  .  .  .  .  .  .  .  .  .  .  +  .  .  .  p  .  .  .  .
viewer's, demoted       .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  p  .  .  .  .
share link              +  +  +  +  +  +  .  x  x  x  .  .  .  .  .  +  .  .  .  p  .  .  .  .
link to control         +  +  +  +  +  +  .  +  +  +  .  .  .  .  .  +  .  .  .  p  .  .  .  .
link, expired           .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  p  .  .  .  .
link, revoked           .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  p  .  .  .  .
link of another         .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  p  .  .  .  .
other user, link        +  +  +  +  +  +  x  x  x  x  +  .  .  .  .  +  .  .  .  p  .  .  .  .
viewer, link to control +  +  +  +  +  +  x  x  x  x  +  +  +  +  +  +  +  +  +  +  .  .  .  .
outside, link           +  +  +  +  +  +  .  x  x  x  .  .  .  .  .  +  .  .  .  p  .  .  .  .
"""

# The class lets somebody called "other" watch and debug, and nobody else anything.
BY_ITS_OWN_RULE = """
                        lp sn st lo se fi tb ca rs ra cr li lf ba rd so sl sb sc tt al ar aa ad
other user              +  +  +  +  +  +  +  x  x  x  +  +  +  +  +  +  +  +  +  +  .  .  .  .
owner                   .  .  .  .  .  .  .  .  .  .  +  .  .  .  .  .  .  .  .  p  .  .  .  .
superuser               .  .  .  .  .  .  .  .  .  .  +  .  .  .  .  .  .  .  .  p  .  .  .  .
share link              +  +  +  +  +  +  .  x  x  x  .  .  .  .  .  +  .  .  .  p  .  .  .  .
link to control         +  +  +  +  +  +  .  +  +  +  .  .  .  .  .  +  .  .  .  p  .  .  .  .
"""


def rows(table: str) -> dict[str, dict[str, str]]:
    """Return by visitor what is expected of each door."""
    head, *lines = table.strip("\n").splitlines()
    width = len(head) - len(head.lstrip())
    return {
        line[:width].rstrip(): dict(zip(head.split(), line[width:].split(), strict=True))
        for line in lines
    }


RULE, OWN_RULE = rows(BY_THE_RULE), rows(BY_ITS_OWN_RULE)


@pytest.fixture(autouse=True)
def one_database(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let sockets share the transaction of the test, which is rolled back after each door."""
    settings.LIVEOPS = {
        "RUNNER": "eager",
        "REQUIRED_GROUP": "crew",
        "REAP_SECONDS": 0,  # a reaper's thread has a connection of its own
        "SUBSCRIBE_SECONDS": 600,
    }
    monkeypatch.setattr(connection, "close_if_unusable_or_obsolete", lambda: None)


def surprises(name: str, expected: dict[str, str]) -> dict[str, str]:
    """Return the doors that do something else for a visitor than is expected, and what."""
    house = House(crew("owner"))
    visitor = VISITORS[name](house)
    if not isinstance(visitor.user, AnonymousUser):
        type(house.before).objects.filter(pk=house.before.pk).update(owner=visitor.user)
    found = {}
    for letters, door in DOORS.items():
        with transaction.atomic():
            found[letters] = door.try_as(visitor, house)
            transaction.set_rollback(True)
    assert found.keys() == expected.keys()
    return {DOORS[key].name: got for key, got in found.items() if got != expected[key]}


@pytest.mark.promise("one-rule-at-every-door")
@pytest.mark.parametrize("name", RULE)
def test_what_opens_to_a_visitor(name: str) -> None:
    assert surprises(name, RULE[name]) == {}


def is_other(operation: Any, user: Any) -> bool:
    """Return whether somebody is the one whom the class's own rule lets in."""
    return user is not None and user.get_username() == "other"


def visible_to_other(cls: type[Flaky], user: Any) -> Q:
    """Return the same rule as a condition."""
    return Q() if is_other(None, user) else Q(pk__in=())


@pytest.mark.promise("own-rule-at-every-door")
@pytest.mark.parametrize("name", OWN_RULE)
def test_what_opens_where_a_class_has_a_rule_of_its_own(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Flaky, "can_view", is_other)
    monkeypatch.setattr(Flaky, "can_debug", is_other, raising=False)
    monkeypatch.setattr(Flaky, "can_control", lambda operation, user: False)
    monkeypatch.setattr(Flaky, "visible_to", classmethod(visible_to_other), raising=False)
    assert surprises(name, OWN_RULE[name]) == {}


def test_the_table_has_everybody() -> None:
    assert list(RULE) == list(VISITORS)

"""Who comes to the doors of an operation, and with what in hand."""

import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest import mock

from django.contrib.auth.models import AnonymousUser, User
from django.utils import timezone

from liveops.conf import get_settings
from liveops.models import Share
from tests.integration.edge import person
from tests.integration.house import House, Visitor


def crew(name: str, *permissions: str, **fields: Any) -> User:
    """Return a new user in the required group."""
    return person(name, *permissions, group="crew", **fields)


def staff(name: str, *permissions: str) -> User:
    """Return a new member of staff in the required group."""
    return crew(name, *permissions, is_staff=True)


def logged_in(house: House, user: User) -> Visitor:
    """Return a user who has logged in and, if that may be, has the live page open."""
    visitor = Visitor(user=user)
    visitor.client.force_login(user)
    page = visitor.client.get(house.operation.get_absolute_url()).content.decode()
    if found := re.search('data-liveop-token="([^"]+)"', page):
        visitor.token = found[1]
    return visitor


def opened_link(house: House, **details: Any) -> Visitor:
    """Return somebody who has opened a share link of the operation."""
    token = house.operation.share_token(by=house.owner, **details)
    visitor = Visitor(token=token)
    shared = f"/live/{house.operation.pk}/shared/"
    assert visitor.client.post(shared, {"token": token}).status_code == 303
    return visitor


def _owner(house: House, then: Callable[[Visitor], Any]) -> Visitor:
    """Return the owner with the page open, after something has happened meanwhile."""
    visitor = logged_in(house, house.owner)
    assert visitor.token
    then(visitor)
    return visitor


def _log_out(visitor: Visitor) -> None:
    visitor.client.logout()
    visitor.user = AnonymousUser()


def _deactivate(visitor: Visitor) -> None:
    User.objects.filter(pk=visitor.user.pk).update(is_active=False)
    visitor.user = AnonymousUser()  # as its requests have it from now on


def _viewer(house: House, then: Callable[[Visitor], Any]) -> Visitor:
    """Return a page that somebody with permission to view had open, without the session."""
    visitor = logged_in(house, crew("viewer", "testapp.view_flaky"))
    assert visitor.token
    then(visitor)
    return Visitor(token=visitor.token)


def _link(house: House, then: Callable[[], Any]) -> Visitor:
    visitor = opened_link(house)
    then()
    return visitor


def _link_of_another(house: House) -> Visitor:
    """Return somebody with the cookie and the token of a link to another operation."""
    token, path = house.before.share_token(), f"/live/{house.before.pk}/shared/"
    visitor = Visitor(token=token)
    assert visitor.client.post(path, {"token": token}).status_code == 303
    return visitor


def _old_page(house: House) -> Visitor:
    signed = time.time() - get_settings().TOKEN_MAX_AGE - 60
    with mock.patch("django.core.signing.time.time", return_value=signed):
        return Visitor(token=house.operation.subscription_token)


def _expire() -> None:
    Share.objects.update(expires_on=timezone.now() - timedelta(seconds=1))


def _with_link(house: House, user: User, **details: Any) -> Visitor:
    """Return a user who is logged in and has opened a share link, too."""
    visitor = opened_link(house, **details)
    visitor.client.force_login(user)
    visitor.user = user
    return visitor


VISITORS: dict[str, Callable[[House], Visitor]] = {
    "anonymous": lambda house: Visitor(),
    "other user": lambda house: logged_in(house, crew("other")),
    "outside the group": lambda house: logged_in(house, person("outside")),
    "owner": lambda house: logged_in(house, house.owner),
    "staff, may view": lambda house: logged_in(house, staff("viewer", "testapp.view_flaky")),
    "staff, may change": lambda house: logged_in(house, staff("editor", "testapp.change_flaky")),
    "staff, may delete": lambda house: logged_in(house, staff("tidier", "testapp.delete_flaky")),
    "superuser": lambda house: logged_in(house, person("root", is_staff=True, is_superuser=True)),
    "owner, left group": lambda house: _owner(house, lambda v: v.user.groups.clear()),
    "owner, inactive": lambda house: _owner(house, _deactivate),
    "owner, gave it away": lambda house: _owner(house, lambda v: house.give_to(crew("next"))),
    "owner, logged out": lambda house: _owner(house, _log_out),
    "page token": lambda house: Visitor(token=house.operation.subscription_token),
    "old page token": _old_page,
    "token of another": lambda house: Visitor(token=house.before.subscription_token),
    "viewer's page": lambda house: _viewer(house, lambda visitor: None),
    "viewer's, demoted": lambda house: _viewer(
        house, lambda visitor: visitor.user.user_permissions.clear()
    ),
    "share link": opened_link,
    "link to control": lambda house: opened_link(house, control=True),
    "link, expired": lambda house: _link(house, _expire),
    "link, revoked": lambda house: _link(house, house.operation.revoke_shares),
    "link of another": _link_of_another,
    "other user, link": lambda house: _with_link(house, crew("other")),
    "viewer, link to control": lambda house: _with_link(
        house, crew("viewer", "testapp.view_flaky"), control=True
    ),
    "outside, link": lambda house: _with_link(house, person("outside")),
}

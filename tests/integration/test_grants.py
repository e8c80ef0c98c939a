"""Why somebody is let in: by permission, the token of a page, a share link; and until when."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from django.core import signing
from django.utils import timezone

from liveops import access, control, tokens
from liveops.access import admit
from liveops.models import ControlRecord, LiveOperation, Share
from liveops.states import State
from liveops.subscription import Asked, recheck
from tests.integration.edge import missing, person
from tests.testapp.models import Walk

pytestmark = pytest.mark.django_db

NOBODY = AnonymousUser()


@pytest.fixture
def owner() -> Any:
    return person("owner")


@pytest.fixture
def operation(owner: Any) -> Walk:
    return Walk.objects.create(owner=owner)


def test_a_permission_comes_before_a_token(operation: Walk, owner: Any) -> None:
    grant = admit(operation, owner, operation.share_token())
    assert grant is not None
    assert (grant.kind, grant.can_control, grant.can_debug) == ("session", True, False)
    assert tokens.vouched(grant.token, operation.pk) is not None


def test_nobody_without_a_token_is_let_in(operation: Walk) -> None:
    assert admit(operation, NOBODY) is None
    assert admit(operation, None) is None
    assert admit(operation, person("other")) is None


# The token of somebody's page


@pytest.mark.promise("page-token-ends-with-permission")
@pytest.mark.parametrize(
    "demote",
    [
        lambda user, op: type(user).objects.filter(pk=user.pk).update(is_active=False),
        lambda user, op: user.delete(),
        lambda user, op: (user.set_password("another"), user.save()),
        lambda user, op: LiveOperation.objects.filter(pk=op.pk).update(owner=person("heir")),
        lambda user, op: user.groups.clear(),
    ],
    ids=["inactive", "deleted", "password", "owner-changed", "group-left"],
)
def test_the_token_of_a_page_ends_with_the_permission_of_its_user(
    operation: Walk, owner: Any, demote: Any, settings: Any
) -> None:
    settings.LIVEOPS = {"REQUIRED_GROUP": "staff"}
    owner.groups.add(Group.objects.create(name="staff"))
    seen = admit(operation, owner)
    assert seen is not None
    alone = admit(operation, NOBODY, seen.token)
    assert alone is not None
    assert (alone.kind, alone.can_control, alone.can_debug) == ("user", False, False)
    assert alone.token == seen.token, "it is not renewed without the session"
    demote(owner, operation)
    left = Walk.objects.filter(pk=operation.pk).first() or operation
    assert admit(left, NOBODY, seen.token) is None


@pytest.mark.promise("own-rule-about-who-may-enter")
def test_a_rule_of_its_own_is_not_asked_about_who_may_not_enter(
    operation: Walk, owner: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not of those outside the group, the inactive, or nobody: it need not think of them."""
    asked: list[Any] = []

    def can_view(op: Any, user: Any) -> bool:
        asked.append(user)
        return bool(user.is_authenticated)

    monkeypatch.setattr(Walk, "can_view", can_view)
    member, outside = person("member", group="staff"), person("outside")
    page = tokens.for_user(operation.pk, member)
    settings.LIVEOPS = {"REQUIRED_GROUP": "staff"}
    assert admit(operation, outside) is None
    assert admit(operation, None) is None
    assert admit(operation, NOBODY, page) is not None
    User.objects.filter(pk=member.pk).update(is_active=False)
    assert admit(operation, NOBODY, page) is None
    share = admit(operation, None, operation.share_token())
    assert share is not None
    assert asked == [member]


def test_the_token_of_somebody_s_page_ends_when_its_time_is_over(
    operation: Walk, owner: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LIVEOPS = {"TOKEN_MAX_AGE": 60}
    now = 1_800_000_000.0
    monkeypatch.setattr("django.core.signing.time.time", lambda: now)
    token = tokens.for_user(operation.pk, owner)
    now += 59
    assert admit(operation, NOBODY, token) is not None
    now += 2
    assert admit(operation, NOBODY, token) is None


@pytest.mark.promise("keys-rotate")
@pytest.mark.parametrize("kind", ["user", "page", "share"])
def test_tokens_outlive_a_change_of_the_key(
    operation: Walk, owner: Any, settings: Any, kind: str
) -> None:
    token = {
        "user": tokens.for_user(operation.pk, owner),
        "page": operation.subscription_token,
        "share": operation.share_token(),
    }[kind]
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the key from now on"
    grant = admit(operation, NOBODY, token)
    assert grant is not None
    assert grant.kind == kind
    settings.SECRET_KEY_FALLBACKS = []
    assert admit(operation, NOBODY, token) is None


@pytest.mark.promise("one-token-one-operation")
def test_no_token_is_good_for_anything_else_than_it_was_made_for(
    operation: Walk, owner: Any
) -> None:
    other = Walk.objects.create(owner=owner)
    theirs = [tokens.for_user(other.pk, owner), other.subscription_token, other.share_token()]
    pk = str(operation.pk)
    forged = [
        *theirs,
        f"u.{operation.subscription_token}",
        f"s.{operation.subscription_token}",
        tokens.for_user(operation.pk, owner).removeprefix("u."),
        operation.share_token().removeprefix("s."),
        "u." + signing.dumps([pk, str(owner.pk), ""]),
        "s." + signing.Signer().sign(uuid.uuid4().hex),
        "u." + signing.dumps([pk, "not a number", ""], salt="liveops.user"),
        "s." + signing.Signer(salt="liveops.share").sign("no id"),
        tokens.for_share(uuid.uuid4()),
    ]
    assert [token for token in forged if admit(operation, NOBODY, token) is not None] == []


def test_nobody_has_a_token_of_their_own(operation: Walk) -> None:
    assert tokens.for_user(operation.pk, NOBODY) == ""
    assert tokens.for_user(operation.pk, None) == ""


# Shares


@pytest.mark.promise("share-bounds")
def test_a_share_lets_watch_one_operation_until_it_ends(operation: Walk, owner: Any) -> None:
    token = operation.share_token(by=owner)
    grant = admit(operation, NOBODY, token)
    assert grant is not None
    assert (grant.kind, grant.can_control, grant.can_debug) == ("share", False, False)
    assert (grant.token, grant.shared_by) == (token, "owner")
    (share,) = Share.objects.all()
    week = timedelta(seconds=604_800)
    assert timedelta() <= timezone.now() + week - share.expires_on < timedelta(minutes=5)
    Share.objects.update(expires_on=timezone.now() - timedelta(seconds=1))
    assert admit(operation, NOBODY, token) is None


@pytest.mark.promise("share-revocable")
def test_a_share_can_be_revoked_by_its_token_and_all_at_once(operation: Walk) -> None:
    first, second, third = (operation.share_token() for _ in range(3))
    assert access.revoke(first)
    assert not access.revoke(first), "it was revoked already"
    assert not access.revoke("s.nonsense")
    assert admit(operation, NOBODY, first) is None
    assert admit(operation, NOBODY, second) is not None
    assert operation.revoke_shares() == 2
    assert admit(operation, NOBODY, second) is None
    assert admit(operation, NOBODY, third) is None
    assert operation.revoke_shares() == 0


def test_a_share_goes_with_its_operation(operation: Walk) -> None:
    operation.share_token()
    operation.delete()
    assert not Share.objects.exists()


@pytest.mark.parametrize(
    ("expires", "error"),
    [
        (timedelta(0), ValueError),
        (timedelta(seconds=-1), ValueError),
        (datetime(2020, 1, 1, tzinfo=timezone.get_default_timezone()), ValueError),
        (datetime(2999, 1, 1), ValueError),  # noqa: DTZ001  (that is what is wrong with it)
        (timedelta.max, ValueError),
        (60, TypeError),
        ("tomorrow", TypeError),
    ],
)
def test_an_end_that_cannot_be_is_refused(operation: Walk, expires: Any, error: Any) -> None:
    with pytest.raises(error, match="expires"):
        operation.share_token(expires=expires)
    assert not Share.objects.exists()


def test_the_link_has_its_token_behind_the_hash(operation: Walk) -> None:
    path, _, token = operation.share_url(expires=timedelta(hours=1), control=True).partition("#")
    assert path == f"/live/{operation.pk}/shared/"
    grant = admit(operation, NOBODY, token)
    assert grant is not None
    assert grant.can_control
    assert not grant.can_debug


@pytest.mark.promise("shared-control-recorded")
@pytest.mark.parametrize("by", ["owner", ""])
def test_what_is_done_by_a_share_is_recorded_as_that(operation: Walk, owner: Any, by: str) -> None:
    token = operation.share_token(control=True, by=owner if by else None)
    grant = admit(operation, NOBODY, token)
    assert control.cancel(operation, grant) == State.CANCELLED
    (record,) = ControlRecord.objects.all()
    assert record.user is None
    assert record.user_name == ("a link that owner shared" if by else "a shared link")


# Many at once


def test_many_subscriptions_are_judged_with_few_queries(
    operation: Walk, owner: Any, django_assert_max_num_queries: Any
) -> None:
    other, share = Walk.objects.create(), operation.share_token()
    stranger = person("stranger")
    asked = [
        *(Asked(operation.pk, owner) for _ in range(100)),
        *(Asked(other.pk, owner) for _ in range(100)),
        *(Asked(operation.pk, stranger, share) for _ in range(100)),
        *(Asked(missing().pk, owner) for _ in range(1)),
    ]
    with django_assert_max_num_queries(12):
        grants = recheck(asked)
    kinds = [grant.kind if grant else None for grant in grants]
    assert kinds == ["session"] * 100 + [None] * 100 + ["share"] * 100 + [None]

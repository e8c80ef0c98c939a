"""Forged tokens: none lets anybody in, however much of a genuine one it is made of."""

import random
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import signing

from liveops import access, tokens
from tests.fuzz.cases import seeds
from tests.fuzz.hostile import TEXTS, text
from tests.fuzz.world import World, rows

SALTS = ["liveops.subscription", "liveops.user", "liveops.share", "liveops.rights", "", "sessions"]
KEYS = ["only-for-the-test-suit", "django-insecure-key", "x" * 64]
_SEPARATORS = ".:"


def genuine(world: World, operation: Any) -> list[str]:
    """Return good tokens of an operation, one of each kind."""
    owner = world.people["owner"]
    return [
        operation.subscription_token,
        tokens.for_user(operation.pk, owner),
        operation.share_token(),
        operation.share_token(control=True, by=owner),
    ]


def flipped(chance: random.Random, token: str) -> str:
    """Return a token with one bit of one character changed."""
    at = chance.randrange(len(token))
    return token[:at] + chr(ord(token[at]) ^ 1 << chance.randrange(7)) + token[at + 1 :]


def cut(chance: random.Random, token: str) -> str:
    """Return a token without its end, its begin or something in between."""
    at = chance.randrange(len(token))
    return chance.choice([token[:at], token[at + 1 :], token[:at] + token[at + 1 :]])


def swapped(chance: random.Random, token: str, other: str) -> str:
    """Return a token some parts of which are those of another one, or stand in another order."""
    mark = chance.choice(_SEPARATORS)
    parts, theirs = token.split(mark), other.split(mark)
    at = chance.randrange(len(parts))
    parts[at] = chance.choice(theirs)
    if chance.random() < 0.3:
        chance.shuffle(parts)
    return mark.join(parts)


def grown(chance: random.Random, token: str) -> str:
    """Return a token with something before or after it, or in it."""
    at = chance.randrange(len(token) + 1)
    more: str = chance.choice([*TEXTS[1:], *"=.:\n"])
    return token[:at] + more + token[at:]


def renamed(chance: random.Random, token: str) -> str:
    """Return a token that says it is of another kind."""
    bare = token.removeprefix("u.").removeprefix("s.")
    return chance.choice(["", "u.", "s.", "p.", "U.", "u.u.", "s.u."]) + bare


def signed_by_others(chance: random.Random, pk: uuid.UUID) -> str:
    """Return what says the right thing, but is signed with another key or for something else."""
    key, salt = chance.choice([*KEYS, None]), chance.choice(SALTS)
    if key is None:
        salt = f"{salt}{chance.choice(['.', 'x', ' '])}"
    said = chance.choice([str(pk), pk.hex])
    content = chance.choice([said, [said, "1", ""], {"op": said}])
    kinds: list[Callable[[], str]] = [
        lambda: signing.Signer(key=key, salt=salt).sign(said),
        lambda: signing.TimestampSigner(key=key, salt=salt).sign(said),
        lambda: signing.dumps(content, key=key, salt=salt),
        lambda: f"{said}:{chance.randrange(10**9):x}:",
        lambda: f"{said}:{signing.Signer(salt=salt).signature('')}",
    ]
    return chance.choice(["", "u.", "s."]) + chance.choice(kinds)()


FORGERIES: list[Callable[[random.Random, str, str], str]] = [
    lambda chance, token, other: flipped(chance, token),
    lambda chance, token, other: cut(chance, token),
    lambda chance, token, other: grown(chance, token),
    lambda chance, token, other: renamed(chance, token),
    text,
    swapped,
]


def unlike(chance: random.Random, forged: str, good: list[str]) -> str:
    """Return a forgery that is no genuine token by accident."""
    return forged if forged not in good else forged + chance.choice("AZ09")


@pytest.mark.promise("forged-tokens")
def test_no_forged_token_is_admitted(world: World) -> None:
    target, other = world.own[0], world.own[2]
    good, theirs = genuine(world, target), genuine(world, other)
    before = rows()
    assert all(access.admit(target, None, token) for token in good)
    for chance in seeds("test_tokens.py::test_no_forged_token_is_admitted"):
        token = chance.choice(good)
        forge = chance.choice(FORGERIES)
        forged = forge(chance, token, chance.choice([*good, *theirs]))
        if chance.random() < 0.2:
            forged = chance.choice([signed_by_others(chance, target.pk), *theirs])
        forged = unlike(chance, forged, good)
        assert access.admit(target, None, forged) is None, forged
    assert rows() == before


def test_a_token_that_was_good_is_not_when_its_time_is_over(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation, owner = world.own[0], world.people["owner"]
    page, user, share, long = (
        operation.subscription_token,
        tokens.for_user(operation.pk, owner),
        operation.share_token(expires=timedelta(hours=1)),
        operation.share_token(expires=timedelta(days=30)),
    )
    assert all(access.admit(operation, None, token) for token in (page, user, share, long))
    assert access.revoke(long)
    assert access.admit(operation, None, long) is None
    owner.set_password("another")
    owner.save()
    assert access.admit(operation, None, user) is None

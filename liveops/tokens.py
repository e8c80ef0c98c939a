"""Signed tokens: what a page holds, or a link, instead of a session.

Each kind is signed for itself, so that none can pass for another; keys in ``SECRET_KEY_FALLBACKS``
are still taken. A token only says what it was made for; whether that still holds is asked in
:mod:`liveops.access`.
"""

import hashlib
import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.core import signing
from django.core.exceptions import ValidationError
from django.utils.crypto import constant_time_compare

from liveops.conf import get_settings

_PAGE = "liveops.subscription"
_USER = "liveops.user"
_SHARE = "liveops.share"
_USER_PREFIX, _SHARE_PREFIX = "u.", "s."
_WRONG = (signing.BadSignature, ValueError)  # what JSON calls text need not be encodable


def for_page(pk: uuid.UUID) -> str:
    """Return a token for whoever is shown a page with the operation ``pk``."""
    return signing.TimestampSigner(salt=_PAGE).sign(str(pk))


def is_for_page(token: str, pk: uuid.UUID) -> bool:
    """Return whether a token is one of :func:`for_page`, for ``pk``, and not too old."""
    try:
        signed = signing.TimestampSigner(salt=_PAGE).unsign(token, max_age=_max_age())
    except _WRONG:
        return False
    return signed == str(pk)


def for_user(pk: uuid.UUID, user: Any) -> str:
    """Return a token for pages of a user with the operation ``pk``; "" if it is nobody."""
    if getattr(user, "pk", None) is None:
        return ""
    signed = [str(pk), str(user.pk), _digest(_auth_hash(user))]
    return _USER_PREFIX + signing.dumps(signed, salt=_USER)


@dataclass(frozen=True, slots=True)
class Vouched:
    """What a user's token says.

    Attributes:
        user_pk: the primary key, as text.
        digest: of what ends a user's sessions when it changes, such as the password.
    """

    user_pk: str
    digest: str

    def load(self) -> Any:
        """Return the user as stored now; None if there is none, or it has a new password."""
        users = get_user_model()._default_manager
        try:
            user = users.filter(pk=self.user_pk).first()
        except (ValueError, ValidationError):
            return None
        known = () if user is None else (_auth_hash(user), *_older_hashes(user))
        is_same = any(constant_time_compare(self.digest, _digest(each)) for each in known)
        return user if is_same else None


def vouched(token: str, pk: uuid.UUID) -> Vouched | None:
    """Return what a token of :func:`for_user` says; None if it is none, or not for ``pk``."""
    if not token.startswith(_USER_PREFIX):
        return None
    try:
        op, user_pk, digest = signing.loads(
            token.removeprefix(_USER_PREFIX), salt=_USER, max_age=_max_age()
        )
    except _WRONG:
        return None
    return Vouched(user_pk, digest) if op == str(pk) else None


def for_share(share_pk: uuid.UUID) -> str:
    """Return the token of a share link."""
    return _SHARE_PREFIX + signing.Signer(salt=_SHARE).sign(share_pk.hex)


def share_of(token: str) -> uuid.UUID | None:
    """Return which share a token is for; None if it is no genuine one."""
    if not token.startswith(_SHARE_PREFIX):
        return None
    try:
        return uuid.UUID(signing.Signer(salt=_SHARE).unsign(token.removeprefix(_SHARE_PREFIX)))
    except _WRONG:
        return None


def _max_age() -> int:
    return get_settings().TOKEN_MAX_AGE


def _auth_hash(user: Any) -> str:
    get = getattr(user, "get_session_auth_hash", None)
    return str(get()) if get is not None else ""


def _older_hashes(user: Any) -> list[str]:
    """Return what the hash would be with the keys of ``SECRET_KEY_FALLBACKS``."""
    get = getattr(user, "get_session_auth_fallback_hash", None)
    return [str(each) for each in get()] if get is not None else []


def _digest(auth_hash: str) -> str:
    return hashlib.blake2s(auth_hash.encode(), digest_size=16).hexdigest()

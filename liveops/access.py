"""Who may watch and who may steer an operation: the one place that decides.

Views, sockets and templates all ask here. A signed token lets its bearer watch one operation
without a session; it says nothing of who the bearer is and so never allows control.
"""

import uuid
from typing import TYPE_CHECKING, Any

from django.core import signing

from liveops.conf import get_settings

if TYPE_CHECKING:
    from liveops.models import LiveOperation

_SALT = "liveops.subscription"


def make_token(pk: uuid.UUID) -> str:
    """Return a signed token for watching the operation ``pk``."""
    return signing.TimestampSigner(salt=_SALT).sign(str(pk))


def token_allows(token: str, pk: uuid.UUID) -> bool:
    """Return whether the token is genuine, made for ``pk`` and not too old."""
    try:
        signed = signing.TimestampSigner(salt=_SALT).unsign(
            token, max_age=get_settings().TOKEN_MAX_AGE
        )
    except (signing.BadSignature, UnicodeError):  # what JSON calls text need not be encodable
        return False
    return signed == str(pk)


def may_enter(user: Any) -> bool:
    """Return whether the user may use live operations at all: logged in, and in the group."""
    if user is None or not user.is_authenticated or not user.is_active:
        return False
    group = get_settings().REQUIRED_GROUP
    if group is None or user.is_superuser:
        return True
    return bool(user.groups.filter(name=group).exists())


def can_view(operation: "LiveOperation", user: Any) -> bool:
    """Return whether the user may watch: the owner, a superuser, or by permission to view."""
    return may_enter(user) and (
        operation.owner_id == user.pk
        or _permitted(operation.operation_type, user, ("view", "change"))
    )


def can_control(operation: "LiveOperation", user: Any) -> bool:
    """Return whether the user may cancel or restart: the owner, or by permission to change."""
    return may_enter(user) and (
        operation.owner_id == user.pk or _permitted(operation.operation_type, user, ("change",))
    )


def can_debug(operation: "LiveOperation", user: Any) -> bool:
    """Return whether the user may read tracebacks: only by permission to change."""
    return may_enter(user) and _permitted(operation.operation_type, user, ("change",))


def sees_everything(user: Any) -> bool:
    """Return whether the user may watch operations of every owner and class."""
    return sees_all_of("liveops.LiveOperation", user)


def sees_all_of(label: str, user: Any) -> bool:
    """Return whether the user may watch every owner's operations of the class with a label."""
    return may_enter(user) and _permitted(label, user, ("view", "change"))


def _permitted(label: str, user: Any, actions: tuple[str, ...]) -> bool:
    # The permission on the operation's own class or on operations in general; superusers have all.
    app_label, _, model = label.lower().partition(".")
    return any(
        user.has_perm(f"{app_label}.{action}_{model}")
        or user.has_perm(f"liveops.{action}_liveoperation")
        for action in actions
    )

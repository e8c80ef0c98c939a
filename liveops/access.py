"""Who may watch and who may steer an operation: the one place that decides.

Views, sockets and templates all ask here. A signed token lets its bearer watch one operation
without a session; it says nothing of who the bearer is and so never allows control.
"""

import uuid
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core import signing
from django.db.models import Q

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


def can_delete(operation: "LiveOperation", user: Any) -> bool:
    """Return whether the user may delete: who may watch, and only by permission to delete."""
    return operation.can_view(user) and _permitted(operation.operation_type, user, ("delete",))


def open_classes(user: Any, *actions: str) -> list[str]:
    """Return the classes, by label, that a permission opens to the user whoever owns the operation.

    Args:
        user: somebody; whoever may not enter is given none.
        actions: what the permission may be for, such as ``view`` and ``change``.
    """
    return _open_classes(user, actions) if may_enter(user) else []


def visible_to(user: Any) -> Q:
    """Return the condition on operations that lists need: what ``can_view`` allows, as a query.

    A class that overrides that method is not asked, for a query cannot call it.
    """
    if not may_enter(user):
        return Q(pk__in=())
    actions = ("view", "change")
    if _permitted("liveops.LiveOperation", user, actions):
        return Q()
    return Q(owner=user.pk) | Q(operation_type__in=_open_classes(user, actions))


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


def _open_classes(user: Any, actions: tuple[str, ...]) -> list[str]:
    base = apps.get_model("liveops", "LiveOperation")  # the module of the models imports this one
    labels = (model._meta.label for model in apps.get_models() if issubclass(model, base))
    return [label for label in labels if _permitted(label, user, actions)]

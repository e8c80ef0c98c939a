"""Who may watch and who may steer an operation: the one place that decides.

Views, sockets, lists and the admin all ask here, and here the operation's own class is asked. A
signed token lets in who has no session: see :mod:`liveops.tokens` for the kinds of them.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from django.apps import apps
from django.db.models import Exists, OuterRef, Q

from liveops import shares, tokens
from liveops.conf import get_settings
from liveops.guarded_classes import own_rules

if TYPE_CHECKING:
    from liveops.models import LiveOperation

__all__ = ["revoke"]

make_token = tokens.for_page
token_allows = tokens.is_for_page


@dataclass(frozen=True, slots=True)
class Grant:
    """Why somebody may watch an operation, and what else that allows.

    Attributes:
        kind: ``"session"`` by permission; ``"user"`` by the token of a page of somebody who has
            permission; ``"page"`` by the token of a page that shows it to whoever gets that page;
            ``"share"`` by a share link.
        token: what a page is to ask with from now on.
        can_control: whether it lets cancel, resume and restart.
        can_debug: whether it lets read the traceback and commands.
        share: the id of the share, for that kind; ``expires_on`` is when that ends, and
            ``shared_by`` what the user who shared it is called, if it is known.
    """

    kind: Literal["session", "user", "page", "share"]
    token: str
    can_control: bool = False
    can_debug: bool = False
    share: uuid.UUID | None = None
    expires_on: datetime | None = None
    shared_by: str = ""


def admit(operation: "LiveOperation", user: Any, token: str = "") -> Grant | None:
    """Return why somebody may watch an operation, or None.

    Args:
        operation: the specific instance.
        user: of the session; None or an anonymous one for nobody.
        token: what stands in for a session, or "".
    """
    if may_watch(operation, user):
        return Grant(
            "session",
            tokens.for_user(operation.pk, user),
            can_control=operation.can_control(user),
            can_debug=operation.can_debug(user),
        )
    return admit_by_token(operation, token)


def admit_by_token(operation: "LiveOperation", token: str) -> Grant | None:
    """Return what a token alone allows; never to read tracebacks, and to steer by a share only.

    The token of a user is handed back as it is, so that it ends when its time is over: only who
    has the session gets a new one.
    """
    pk = operation.pk
    if not token:
        return None
    if (vouched := tokens.vouched(token, pk)) is not None:
        user = vouched.load()
        return Grant("user", token) if may_watch(operation, user) else None
    if (share := shares.find(token, pk)) is not None:
        by = share.created_by
        return Grant(
            "share",
            token,
            can_control=share.control,
            share=share.pk,
            expires_on=share.expires_on,
            shared_by="" if by is None else str(by.get_username()),
        )
    return Grant("page", tokens.for_page(pk)) if tokens.is_for_page(token, pk) else None


def share(
    operation: "LiveOperation",
    *,
    expires: timedelta | datetime | None = None,
    control: bool = False,
    by: Any = None,
) -> str:
    """Make a share of an operation; return its token. See ``LiveOperation.share_token``."""
    return shares.make(operation, expires, control, by).token


def revoke(token: str) -> bool:
    """End the share that a token is for; return whether there was one that was still good."""
    pk = tokens.share_of(token)
    return pk is not None and bool(shares.end(shares.Share._base_manager.filter(pk=pk)))


def revoke_all(operation: "LiveOperation") -> int:
    """End all shares of an operation; return how many were still good."""
    return len(shares.end(shares.Share._base_manager.filter(operation=operation.pk)))


def may_enter(user: Any) -> bool:
    """Return whether the user may use live operations at all: logged in, and in the group."""
    if user is None or not user.is_authenticated or not user.is_active:
        return False
    group = get_settings().REQUIRED_GROUP
    if group is None or user.is_superuser:
        return True
    return bool(user.groups.filter(name=group).exists())


def may_watch(operation: "LiveOperation", user: Any) -> bool:
    """Return whether the user may enter, and watch the operation by the rule of its class."""
    return may_enter(user) and operation.can_view(user)


def can_view(operation: "LiveOperation", user: Any) -> bool:
    """Return whether the user may watch, by default: owner, superuser, permission to view."""
    return may_enter(user) and (
        operation.owner_id == user.pk
        or _permitted(operation.operation_type, user, ("view", "change"))
    )


def can_control(operation: "LiveOperation", user: Any) -> bool:
    """Return whether the user may cancel or restart, by default: owner, permission to change."""
    return may_enter(user) and (
        operation.owner_id == user.pk or _permitted(operation.operation_type, user, ("change",))
    )


def can_debug(operation: "LiveOperation", user: Any) -> bool:
    """Return whether the user may read tracebacks, by default: only by permission to change."""
    return may_enter(user) and _permitted(operation.operation_type, user, ("change",))


def can_delete(operation: "LiveOperation", user: Any) -> bool:
    """Return whether the user may delete: who may watch, and only by permission to delete."""
    return may_watch(operation, user) and _permitted(operation.operation_type, user, ("delete",))


def open_classes(user: Any, *actions: str) -> list[str]:
    """Return the classes, by label, that a permission opens to the user whoever owns the operation.

    Args:
        user: somebody; whoever may not enter is given none.
        actions: what the permission may be for, such as ``view`` and ``change``.
    """
    return _open_classes(user, actions) if may_enter(user) else []


def visible_to(user: Any) -> Q:
    """Return the condition on operations that lists need: what ``can_view`` allows, as a query.

    A class with a rule of its own is asked by its ``visible_to()``.
    """
    if not may_enter(user):
        return Q(pk__in=())
    actions = ("view", "change")
    rule = Q()
    if not _permitted("liveops.LiveOperation", user, actions):
        rule = Q(owner=user.pk) | Q(operation_type__in=_open_classes(user, actions))
    return with_own_rules(rule, user)


def with_own_rules(rule: Q, user: Any) -> Q:
    """Return a condition on operations, but for classes with rules of their own by these."""
    own = own_rules()
    if not own:
        return rule
    rule &= ~Q(operation_type__in=sorted(own))
    everybodys = apps.get_model("liveops", "LiveOperation")._base_manager
    for label, own_rule in own.items():
        if own_rule.is_for_lists:
            # In a query of its own, where it can neither show a row twice, by a join to many, nor
            # miss the columns that it names, in a list of the class itself.
            theirs = everybodys.filter(own_rule.model.visible_to(user), pk=OuterRef("pk"))
            rule |= Q(Exists(theirs), operation_type=label)
    return rule


def visible_by_default(model: Any, user: Any) -> Q:
    """Return the condition on the operations of one class that the default rule makes."""
    if not may_enter(user):
        return Q(pk__in=())
    permitted = _permitted(model._meta.label, user, ("view", "change"))
    return Q() if permitted else Q(owner=user.pk)


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

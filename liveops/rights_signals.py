"""What Django's signals tell of changes of what somebody may see.

Only what goes through model instances and Django's own log-in and log-out sends signals. Neither
``QuerySet.update()`` nor SQL does, nor a session that expires.
"""

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models import signals

from liveops import rights

_NEVER_MATTERS = frozenset({"last_login"})  # which each log-in saves


def connect() -> None:
    """Hear of everything that changes rights; the models have to be loaded."""
    operation, share = (apps.get_model("liveops", name) for name in ("LiveOperation", "Share"))
    user: Any = get_user_model()
    connections: list[tuple[Any, Any, Any]] = [
        (user_logged_out, _logged_out, None),
        (user_logged_in, _logged_in, None),
        *(
            (signal, receiver, model)
            for model in _with_proxies(user)
            for signal, receiver in (
                (signals.post_save, _user_saved),
                (signals.post_delete, _user_deleted),
            )
        ),
    ]
    if apps.is_installed("django.contrib.auth"):  # a project may have users without it
        group: Any = apps.get_model("auth", "Group")
        connections += [
            (signals.post_save, _group_saved, group),
            (signals.post_delete, _for_everybody, group),
            (signals.post_delete, _for_everybody, apps.get_model("auth", "Permission")),
            (signals.m2m_changed, _for_everybody_after, group.permissions.through),
        ]
    for name in ("groups", "user_permissions"):  # a user model of the project's may lack them
        if given := getattr(user, name, None):
            connections += [(signals.m2m_changed, _of_users_changed, given.through)]
    for model in apps.get_models():
        if issubclass(model, operation):
            connections += [
                (signals.post_init, _operation_loaded, model),
                (signals.post_save, _operation_saved, model),
                (signals.post_delete, _operation_deleted, model),
            ]
    connections += [
        (signals.post_save, _share_saved, share),
        (signals.post_delete, _share_deleted, share),
    ]
    rights.forward(_forward)
    for signal, receiver, sender in connections:
        signal.connect(receiver, sender=sender, dispatch_uid=f"liveops.{receiver.__name__}")


def _with_proxies(model: Any) -> list[Any]:
    """Return a class and those that derive from it: signals name the class that was used."""
    return [each for each in apps.get_models() if issubclass(each, model)]


def _forward(news: rights.News) -> None:
    # Few processes have any news: what sends it is loaded when there is some.
    import_module("liveops.rights_news").send(news)


def _logged_out(request: Any, user: Any = None, **_: Any) -> None:
    # The session is removed only after this signal: it is told that it is over, not to look.
    key = getattr(getattr(request, "session", None), "session_key", None)
    if key:
        rights.changed(session_keys=[key])
    elif user is not None:  # by Channels, which knows no request
        rights.changed(users=[user.pk])


def _logged_in(request: Any, user: Any, **_: Any) -> None:
    """Tell that the session is over which the browser came with, if it is given another one."""
    key = getattr(request, "COOKIES", {}).get(settings.SESSION_COOKIE_NAME)
    if key and key != getattr(getattr(request, "session", None), "session_key", None):
        rights.changed(session_keys=[key])


def _user_saved(
    instance: Any, created: bool, using: str, update_fields: Iterable[str] | None, **_: Any
) -> None:
    if not created and (update_fields is None or not _NEVER_MATTERS.issuperset(update_fields)):
        rights.changed(users=[instance.pk], using=using)


def _user_deleted(instance: Any, using: str, **_: Any) -> None:
    rights.changed(users=[instance.pk], using=using)


def _group_saved(created: bool, using: str, **_: Any) -> None:
    if not created:  # renamed, it is not the REQUIRED_GROUP any more
        rights.changed(everybody=True, using=using)


def _for_everybody(using: str, **_: Any) -> None:
    rights.changed(everybody=True, using=using)


def _for_everybody_after(action: str, using: str, **_: Any) -> None:
    if action.startswith("post_"):
        rights.changed(everybody=True, using=using)


def _of_users_changed(
    instance: Any, action: str, reverse: bool, pk_set: set[Any] | None, using: str, **_: Any
) -> None:
    if not action.startswith("post_"):
        return
    if not reverse:
        rights.changed(users=[instance.pk], using=using)
    elif pk_set is not None:
        rights.changed(users=pk_set, using=using)
    else:  # a group that was cleared: nobody says any more of whom
        rights.changed(everybody=True, using=using)


def _operation_loaded(instance: Any, **_: Any) -> None:
    # Of what was left out when it was loaded nothing is known, and it is not looked up for this.
    instance._state.liveops_owner = instance.__dict__.get("owner_id")


def _operation_saved(
    instance: Any, created: bool, using: str, update_fields: Iterable[str] | None, **_: Any
) -> None:
    if update_fields is not None and not {"owner", "owner_id"}.intersection(update_fields):
        return
    owner = instance.__dict__.get("owner_id")
    before = getattr(instance._state, "liveops_owner", None)
    instance._state.liveops_owner = owner
    if not created and owner != before:
        rights.changed(operations=[instance.pk], using=using)


def _operation_deleted(instance: Any, using: str, **_: Any) -> None:
    rights.changed(operations=[instance.pk], using=using)


def _share_saved(instance: Any, created: bool, using: str, **_: Any) -> None:
    if not created:
        rights.changed(operations=[instance.operation_id], using=using)


def _share_deleted(instance: Any, using: str, **_: Any) -> None:
    rights.changed(operations=[instance.operation_id], using=using)

"""Who asks for an operation, and what they may see of it, asked of the database not long ago.

A user instance remembers the permissions that it was asked for first, and a socket's instance lives
as long as the socket. So a long known one is loaded anew before it is asked again, once for all
sockets of the user that ask at the same time.
"""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ObjectDoesNotExist

_HOLDS_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class LongKnown:
    """A user that was loaded a while ago: what it remembers of itself may be out of date.

    Attributes:
        user: the instance.
    """

    user: Any


@dataclass(frozen=True, slots=True, eq=False)
class Guest:
    """A user as the database had it not long ago.

    Attributes:
        user: the instance; for :class:`LongKnown` ones another than that.
        asked_at: when it was asked what the user may see, in seconds.
        grant: why the user may see the operation; None if not.
    """

    user: Any
    asked_at: float
    grant: Any


class Guests:
    """The users that ask for one operation.

    Args:
        judge: tells of a user why it may see the operation, or that it may not.
    """

    def __init__(self, judge: Callable[[Any], Any]) -> None:
        self._judge = judge
        self._known: dict[Any, list[tuple[dict[str, Any], Guest]]] = {}
        self._unhashable: list[Any] = []

    def of(self, user: Any) -> Guest:
        """Return what is known of a user; the sockets of one share it for two seconds.

        They do so only if nobody has put anything on the instance of one that the other has not: a
        rule of the project's own may look at that.
        """
        known = user.user if isinstance(user, LongKnown) else user
        same, now = self._known.setdefault(self._key(known), []), time.monotonic()
        marks = _marks(known)
        guest = next((guest for found, guest in same if found == marks), None)
        if guest is None or now - guest.asked_at > _HOLDS_SECONDS:
            # An instance that was asked before remembers what it was told then.
            is_old = guest is not None or known is not user
            fresh = loaded_anew(known) if is_old else known
            same[:] = [(found, other) for found, other in same if other is not guest]
            guest = Guest(fresh, now, self._judge(fresh))
            same.append((marks, guest))
        return guest

    def _key(self, user: Any) -> Any:
        """Return what the sockets of one user have in common: users equal each other by key."""
        try:
            hash(user)
        except TypeError:  # not saved, say
            self._unhashable.append(user)  # so that no other user gets its id
            return id(user)
        return user


def _marks(user: Any) -> dict[str, Any]:
    """Return what is on an instance, but for what it remembers of its permissions."""
    values = getattr(user, "__dict__", {})
    values = getattr(values.get("_wrapped", user), "__dict__", {})  # of a lazy one, the real one
    return {
        name: value
        for name, value in values.items()
        if name != "_state" and not name.endswith("perm_cache")
    }


def loaded_anew(user: Any) -> Any:
    """Return a copy of a user as the database has it now, which remembers no permissions.

    Whatever else somebody has put on the instance is left there, for rules of the project's own.
    One that is not there any more is nobody; one that is not a row stays what it is.
    """
    if getattr(user, "pk", None) is None or not hasattr(user, "refresh_from_db"):
        return user
    fresh = copy.copy(user)
    for name in [name for name in vars(fresh) if name.endswith("perm_cache")]:
        delattr(fresh, name)
    try:
        fresh.refresh_from_db()
    except ObjectDoesNotExist:
        return AnonymousUser()
    return fresh

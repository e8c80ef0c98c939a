"""Whether those who watch still may: asked of the database for many sockets at once.

What a socket was opened with is not believed for long: its session is loaded anew by its key, its
user by its own, and each of its subscriptions is judged by what holds now. A session that is gone,
or that is another user's, or from before a change of the password, vouches for nobody.
"""

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.utils.crypto import constant_time_compare

from liveops import outages, rights, subscription
from liveops.access import Grant
from liveops.exceptions import LiveOperationsError
from liveops.guests import Guests, LongKnown
from liveops.subscription import Asked

logger = logging.getLogger("liveops")


class SessionsAwayError(LiveOperationsError):
    """What keeps the sessions cannot be asked now."""


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """Who opened a socket.

    Attributes:
        user: the instance from then; None for nobody.
        user_pk: its primary key, as text.
        load_session: loads what is stored of the session that vouches for the user; None if none
            does, because the project has another way to know its users.
        digest: what stands for that session in news.
    """

    user: Any = None
    user_pk: str = ""
    load_session: Callable[[], dict[str, Any]] | None = None
    digest: str = ""

    @classmethod
    def of(cls, scope: Any) -> "Identity":
        """Return who opened the socket with a scope."""
        user, session = scope.get("user"), scope.get("session")
        if user is None or not user.is_authenticated:
            return NOBODY
        user_pk = "" if user.pk is None else str(user.pk)
        # What was not looked at yet would be loaded here and now, which is no place for that.
        known = getattr(session, "_session_cache", None) or {}
        if known.get(SESSION_KEY) != _written(user) or not session.session_key:
            return cls(user, user_pk)
        key = session.session_key
        # Channels hands out the session in a wrapper that passes for its class.
        engine = session.__class__
        return cls(user, user_pk, lambda: dict(engine(key).load()), rights.digest(key))


NOBODY = Identity()

_NOBODY = AnonymousUser()


@dataclass(frozen=True, slots=True)
class Question:
    """What a socket watches, and as whom.

    Attributes:
        identity: who opened it, or nobody once that was found to be over.
        is_over: whether the session is known to be over, whatever is still stored of it.
        watched: of each subscription the operation's id and the token.
    """

    identity: Identity
    is_over: bool
    watched: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What holds now for a socket.

    Attributes:
        is_nobody: whether it was opened by somebody who is nobody now.
        grants: for each of what is watched why that is allowed; None where it is not.
    """

    is_nobody: bool
    grants: tuple[Grant | None, ...]


def judge(questions: Sequence[Question]) -> list[Verdict]:
    """Answer questions with what the database has now; in a thread that may wait for it."""
    present = Guests(lambda user: None)
    sessions: dict[str, dict[str, Any]] = {}
    users = [_user_now(question, present, sessions) for question in questions]
    asked = [
        Asked(uuid.UUID(op), user, token)
        for question, user in zip(questions, users, strict=True)
        for op, token in question.watched
    ]
    grants = iter(subscription.recheck(asked))
    verdicts = []
    for question, user in zip(questions, users, strict=True):
        is_nobody = question.identity.user is not None and not user.is_authenticated
        found = [next(grants) for _ in question.watched]
        if is_nobody:
            # What spoke for the user while there was a session does not outlive it here.
            found = [None if one is None or one.kind == "user" else one for one in found]
        verdicts.append(Verdict(is_nobody, tuple(found)))
    return verdicts


def _user_now(question: Question, present: Guests, sessions: dict[str, dict[str, Any]]) -> Any:
    """Return who a socket's user is now; nobody if that is over."""
    identity = question.identity
    if identity.user is None or question.is_over:
        return _NOBODY
    user = present.of(LongKnown(identity.user)).user
    if not user.is_authenticated or not getattr(user, "is_active", True):
        return _NOBODY
    if identity.load_session is not None:
        if identity.digest not in sessions:
            sessions[identity.digest] = _loaded(identity.load_session)
        if not _vouches_for(sessions[identity.digest], user):
            return _NOBODY
    return user


def _loaded(load_session: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return load_session()
    except Exception as error:  # of whatever keeps sessions: a cache has errors of its own
        raise SessionsAwayError(outages.described(error)) from error


def _vouches_for(session: dict[str, Any], user: Any) -> bool:
    if session.get(SESSION_KEY) != _written(user) or BACKEND_SESSION_KEY not in session:
        return False
    if not hasattr(user, "get_session_auth_hash"):
        return True
    stored = session.get(HASH_SESSION_KEY) or ""
    hashes = [user.get_session_auth_hash(), *_older_hashes(user)]
    return any(constant_time_compare(stored, each) for each in hashes)


def _older_hashes(user: Any) -> list[str]:
    """Return what the hash would be with the keys of SECRET_KEY_FALLBACKS."""
    older = getattr(user, "get_session_auth_fallback_hash", None)
    return list(older()) if older is not None else []


def _written(user: Any) -> str:
    """Return the primary key as a session holds it."""
    meta = getattr(user, "_meta", None)  # a project's own users need not be rows
    return "" if meta is None else str(meta.pk.value_to_string(user))

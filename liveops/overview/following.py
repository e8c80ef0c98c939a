"""The list and the badge over a socket: looked up again and again, sent when they change.

The database is looked at, not the frames: however many operations run, a look costs the same, and
each look asks anew what the user may see.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import Error
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from liveops.overview import badge, listing
from liveops.overview.badge import Badge
from liveops.overview.filters import Filters
from liveops.overview.listing import Listing
from liveops.overview.reach import Reach
from liveops.protocol import ViewRequest
from liveops.rendering.overview import badge_fragment, list_fragments

logger = logging.getLogger("liveops")

LOOK_SECONDS = 2.0
"""Time between two looks."""

_REST = 10  # times what a look took, so that slow ones leave the database to others


_Shown = Listing | Badge | None


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a view shows now, the mark of that, and the HTML of what changed in it."""

    shown: Listing | Badge
    mark: str
    html: str


@dataclass(slots=True, eq=False)
class _Followed:
    """A view that the page follows.

    Attributes:
        request: what it asked for.
        shown: what it shows; None as long as that is not known.
    """

    request: ViewRequest
    shown: _Shown = None


class Overviews:
    """The list and the badge of one socket: at most one of each.

    Args:
        user: of the socket's session, if any.
        put: takes the text of a frame; must not block.
        is_busy: whether the page is behind with reading; then nothing more is sent for now.
    """

    def __init__(self, user: Any, put: Callable[[str], None], is_busy: Callable[[], bool]) -> None:
        self._user_pk = user.pk if user is not None and user.is_authenticated else None
        self._put = put
        self._is_busy = is_busy
        self._followed: dict[str, _Followed] = {}
        self._asked = asyncio.Event()
        self._looker: asyncio.Task[None] | None = None

    def take(self, request: ViewRequest) -> None:
        """Follow a view, or stop that; what was asked for before is forgotten."""
        self._followed.pop(request.view, None)
        if request.action == "unsubscribe":
            return
        self._followed[request.view] = _Followed(request)
        self._asked.set()
        if self._looker is None or self._looker.done():
            self._looker = asyncio.create_task(self._look_again_and_again())

    def forget(self) -> None:
        """Take note that frames were lost on the way to the page."""
        for followed in self._followed.values():
            followed.request = replace(followed.request, mark="")
            followed.shown = None

    @property
    def follows_any(self) -> bool:
        """Whether the page follows a view."""
        return bool(self._followed)

    def refuse(self) -> None:
        """Take note that the session is over: its user sees nothing here any more."""
        self._user_pk = None
        for view, followed in list(self._followed.items()):
            self._answer(view, followed, None)

    async def close(self) -> None:
        """Stop looking."""
        self._followed.clear()
        if self._looker is not None:
            self._looker.cancel()
            await asyncio.gather(self._looker, return_exceptions=True)

    async def _look_again_and_again(self) -> None:
        next_look, is_failing = 0.0, False
        while self._followed:
            self._asked.clear()
            began = time.monotonic()
            is_time = began >= next_look
            due = {v: f for v, f in self._followed.items() if is_time or f.shown is None}
            try:
                if not self._is_busy():
                    await self._look(due)
                is_failing = False
            except Error as error:
                logger.debug("liveops: a list is looked up later (%s)", error)
            except Exception:
                if not is_failing:
                    logger.exception("liveops: a list cannot be shown live; trying again")
                is_failing = True
            now = time.monotonic()
            if is_time:
                next_look = now + max(LOOK_SECONDS, (now - began) * _REST)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), next_look - now)

    async def _look(self, followed: dict[str, _Followed]) -> None:
        asked = [(one.request, one.shown) for one in followed.values()]
        answers = await database_sync_to_async(_look)(self._user_pk, asked)
        for (view, one), (request, before), answer in zip(
            followed.items(), asked, answers, strict=True
        ):
            is_wanted = self._followed.get(view) is one
            if is_wanted and one.request is request and one.shown is before:
                self._answer(view, one, answer)

    def _answer(self, view: str, followed: _Followed, answer: _Answer | None) -> None:
        frame: dict[str, Any] = {"view": view}
        if answer is None:
            del self._followed[view]
            with _as_the_page_does(followed.request):
                detail = _("There is nothing here for you to see.")
            frame |= {"op": None, "error": "not_found", "detail": detail}
        else:
            is_first = followed.shown is None
            followed.shown = answer.shown
            if not answer.html and not is_first:
                return
            frame |= {"mark": answer.mark, "now": time.time(), "liveop_html": answer.html}
        self._put(json.dumps(frame))


def _look(user_pk: Any, asked: list[tuple[ViewRequest, _Shown]]) -> list[_Answer | None]:
    """Return an answer for each view; None if it is not for this user."""
    users = get_user_model()._default_manager
    user = users.filter(pk=user_pk).first() if user_pk is not None else None
    reach = Reach.of(user)
    if reach is None:
        return [None for _view in asked]
    return [_look_at(request, before, reach) for request, before in asked]


def _look_at(request: ViewRequest, before: _Shown, reach: Reach) -> _Answer:
    with _as_the_page_does(request):
        if request.view == "badge":
            now = badge.read(reach)
            known = before.mark if before is not None else request.mark
            return _Answer(now, now.mark, badge_fragment(now) if now.mark != known else "")
        listed = listing.read(reach.operations(), Filters.parse(request.query), reach)
        if before is None and request.mark == listed.mark:
            return _Answer(listed, listed.mark, "")
        html = list_fragments(listed, before if isinstance(before, Listing) else None)
        return _Answer(listed, listed.mark, html)


@contextmanager
def _as_the_page_does(request: ViewRequest) -> Iterator[None]:
    """Speak the language of the page, in its time zone, as far as the server knows them."""
    try:
        language = translation.get_supported_language_variant(request.language)
    except (LookupError, ValueError):
        language = settings.LANGUAGE_CODE
    try:
        zone = ZoneInfo(request.zone) if request.zone else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = None
    with translation.override(language), timezone.override(zone):
        yield

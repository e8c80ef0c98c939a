"""The log beyond what a page shows: other lines, a search in all of them, the whole as a file."""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.utils import translation
from django.views import View

from liveops import rendering
from liveops.log_pages import QUERY_LENGTH, Log, LogPage
from liveops.models import LiveOperation
from liveops.progress.view import View as ShownView
from liveops.views.base import admitted
from liveops.views.headers import CarefulMixin

_LARGEST = 2**63 - 1


class LogView(CarefulMixin, View):
    """Lines of the log as JSON: a page of at most 1,000 of them, or the numbers of those found.

    ``before=<n>``, ``after=<n>``, ``around=<n>`` or ``stage=<name>`` say which page; without any
    of them it is the end. ``q=<text>``, with ``after=<n>`` if wanted, searches.
    """

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Return the page or what was found; 400 with a sentence for what makes no sense."""
        operation = admitted(request, pk).operation
        with translation.override(operation.language):
            try:
                answer = _answer(operation, request.GET)
            except ValueError as error:
                return HttpResponse(
                    str(error), status=400, content_type="text/plain; charset=utf-8"
                )
        return JsonResponse(answer)


class LogTextView(CarefulMixin, View):
    """The whole log as a text file, read and sent in portions."""

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponseBase:
        """Return the file, named after the operation's class and the beginning of its id."""
        operation = admitted(request, pk).operation
        chunks = _texts(Log(operation))
        # Under ASGI an ordinary iterator would be read to its end before anything is sent.
        content: Any = _in_threads(chunks) if isinstance(request, ASGIRequest) else chunks
        name = f"{type(operation).__name__}-{str(pk)[:8]}.txt"
        return StreamingHttpResponse(
            content,
            content_type="text/plain; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def _answer(operation: LiveOperation, asked: Any) -> dict[str, Any]:
    log = Log(operation)
    numbers = {key: _number(asked[key]) for key in ("before", "after", "around") if key in asked}
    places = [*numbers, *(["stage"] if "stage" in asked else [])]
    if "q" in asked:
        if [place for place in places if place != "after"]:
            raise ValueError("A search goes with “after” only.")
        return _found(log, asked["q"], numbers.get("after", 0))
    if len(places) > 1:
        raise ValueError("Ask for one part of the log at a time.")
    place = places[0] if places else "tail"
    return _shown(operation, log, place, asked["stage"] if place == "stage" else numbers.get(place))


def _number(text: str) -> int:
    if not re.fullmatch("[0-9]{1,19}", text) or int(text) > _LARGEST:
        raise ValueError("The number of a line is a whole number of at most 19 digits.")
    return int(text)


def _found(log: Log, text: str, after: int) -> dict[str, Any]:
    if len(text) > QUERY_LENGTH:
        raise ValueError(f"Search for a text of at most {QUERY_LENGTH} characters.")
    matches = log.search(text, after)
    return {"matches": list(matches.numbers), "more": matches.more}


def _shown(operation: LiveOperation, log: Log, place: str, where: Any) -> dict[str, Any]:
    page: LogPage = log.tail() if place == "tail" else getattr(log, place)(where)
    view = ShownView(state=operation.get_state(), stage_states=operation.stage_states)
    html = rendering.log_lines_html(
        operation,
        view,
        page.lines,
        after=where if place == "after" else None,
        until=where if place == "before" else None,
    )
    return {
        "html": html if page.lines else "",
        "first": page.lines[0].seq if page.lines else None,
        "last": page.lines[-1].seq if page.lines else None,
        "more": bool(page.earlier if place in ("before", "tail") else page.later),
        "earlier": page.earlier,
        "later": page.later,
        "pruned": rendering.is_pruned(log.first, log.last),
    }


def _texts(log: Log) -> Iterator[bytes]:
    for lines in log.chunks():
        yield "".join(map(rendering.text_line, lines)).encode()


async def _in_threads(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (chunk := await _following(chunks)) is not None:
        yield chunk


@database_sync_to_async
def _following(chunks: Iterator[bytes]) -> bytes | None:
    return next(chunks, None)

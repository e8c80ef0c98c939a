"""The commonest frame, in which only the status text has changed: rendered once, then filled.

Most of what a template takes goes into finding out again what a frame before it has shown.
"""

import uuid
from collections.abc import Hashable
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from django.template.loader import get_template
from django.utils import translation

from liveops.progress.update import Region, Update
from liveops.rendering.fragments import fragments
from liveops.stages import StageState
from liveops.states import State

if TYPE_CHECKING:
    from liveops.models import LiveOperation

_TEMPLATE = "liveops/_status.html"
_OWN = Path(__file__).resolve().parents[1] / "templates" / _TEMPLATE
_MARK = uuid.uuid4().hex  # stands for the text; nobody else writes it
_ONLY_STATUS = frozenset({Region.STATUS})


class _Pieces(NamedTuple):
    """What stands before the frame's number, between it and the text, and after that."""

    head: str
    middle: str
    tail: str


class StatusMould:
    """Gives for frames of a status what :func:`fragments` gives, in much less time.

    A project's own template may do anything with the text, so this is for the package's only. The
    times in it are those of the time zone that was active at the first of these frames.
    """

    def __init__(self) -> None:
        self._key: tuple[Hashable, ...] = ()
        self._pieces: _Pieces | None = None

    def fill(self, update: Update) -> str | None:
        """Return the fragments of an update in its operation's language; None: not from here."""
        view = update.view
        if (
            update.regions != _ONLY_STATUS
            or not view.status_text
            or view.state != State.STARTED
            or view.cancel_requested
            or update.lines
            or update.swaps
            or update.finished is not None
            or update.replace_log
            or StageState.RETRYING in view.stage_states.values()
        ):
            return None
        operation = update.operation
        template: Any = get_template(_TEMPLATE)
        key = (getattr(template, "template", template), view.status_level, *_facts(operation))
        if key != self._key:
            self._key, self._pieces = key, _cast(update, template)
        if self._pieces is None:
            return None
        head, middle, tail = self._pieces
        return f"{head}{update.seq}{middle}{escape(view.status_text)}{tail}"


def _facts(operation: "LiveOperation") -> tuple[Hashable, ...]:
    return (
        operation.pk,
        operation.language,
        operation.created_on,
        operation.started_on,
        operation.finished_on,
    )


def _cast(update: Update, template: Any) -> _Pieces | None:
    origin = getattr(template, "origin", None)
    if origin is None or Path(origin.name) != _OWN:
        return None
    with translation.override(update.operation.language):
        html = fragments(replace(update, view=replace(update.view, status_text=_MARK)))
    stamp = f' data-seq="{update.seq}"'
    head, _, rest = html.partition(stamp)
    middle, *tails = rest.split(_MARK)
    if len(tails) != 1:
        return None
    return _Pieces(f'{head} data-seq="', f'"{middle}', tails[0])

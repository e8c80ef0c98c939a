"""Times that go on while they are watched: rendered once, ticking in the browser."""

from datetime import datetime

from django.utils.html import format_html
from django.utils.safestring import SafeString

from liveops import numbers
from liveops.progress.view import View

NOT_KNOWN = "–"


def moment(time: datetime | None) -> float | None:
    """Return a time in seconds since the epoch."""
    return None if time is None else time.timestamp()


class Clocks:
    """The clocks of one view.

    Args:
        view: what is shown.
        now: seconds since the epoch that they show; left out, they show the moment of the view, so
            that one view always gives the same HTML.
    """

    def __init__(self, view: View, now: float | None = None) -> None:
        self._taken_at = view.taken_at
        self._shown_at = view.taken_at if now is None else now

    def since(self, began: float | None) -> SafeString:
        """Return the time since a moment; empty where that is not known."""
        if began is None:
            return SafeString("")
        return format_html(
            '<time class="liveop-clock" data-liveop-since="{}">{}</time>',
            f"{began:.3f}",
            numbers.duration(max(self._shown_at - began, 0.0)),
        )

    def until(self, eta: float | None) -> SafeString:
        """Return the time that is left, given the seconds that were left when the view was taken.

        A dash where it is not known, or over.
        """
        if eta is None or not self._taken_at:
            return format_html("<span>{}</span>", NOT_KNOWN)
        end = self._taken_at + eta
        left = end - self._shown_at
        return format_html(
            '<span class="liveop-clock" data-liveop-until="{}">{}</span>',
            f"{end:.3f}",
            numbers.duration(left) if left > 0 else NOT_KNOWN,
        )

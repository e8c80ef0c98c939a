"""What the log says of a stage that is skipped, tried again, or given up."""

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from liveops.progress.text import format_duration, format_seconds

if TYPE_CHECKING:
    from tenacity import RetryCallState, Retrying

_AT_ONCE_SECONDS = 0.05


def skipped_text() -> str:
    """Return what is said of a stage that is skipped."""
    return _("Skipped: this stage is not among those to run.")


def retry_text(state: "RetryCallState") -> str:
    """Return what is said of an attempt that failed and is followed by another one."""
    error = state.outcome.exception() if state.outcome is not None else None
    values = {
        "number": state.attempt_number,
        "reason": str(error or "").rstrip(".") or _("it asked to be tried again"),
        "delay": format_seconds(state.upcoming_sleep),
    }
    if state.upcoming_sleep < _AT_ONCE_SECONDS:
        return _("Attempt %(number)d failed: %(reason)s. Trying again now.") % values
    return _("Attempt %(number)d failed: %(reason)s. Trying again in %(delay)s.") % values


def giving_up_text(retry: "Retrying") -> str:
    """Return what is said of a stage whose attempts are used up."""
    number = retry.statistics.get("attempt_number", 1)
    text = ngettext(
        "Giving up after %(number)d attempt in %(took)s.",
        "Giving up after %(number)d attempts in %(took)s.",
        number,
    )
    took = format_duration(retry.statistics.get("delay_since_first_attempt"))
    return text % {"number": number, "took": took}

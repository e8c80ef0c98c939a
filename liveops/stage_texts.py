"""What the log says of a resumed run, and of a stage that is skipped, retried, or given up."""

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from liveops import numbers

if TYPE_CHECKING:
    from tenacity import RetryCallState, Retrying

    from liveops.progress.view import ControlAction

_AT_ONCE_SECONDS = 0.05


def resumed_text(action: "ControlAction", stage: str) -> str:
    """Return what is said where a resumed run begins, below the lines of the run before it.

    Args:
        action: who resumed it; with ``"go_on"`` nobody did.
        stage: the first stage that is not passed by.
    """
    if action.action == "go_on":
        return _("Went on by itself after an interruption, at the stage %(stage)s.") % {
            "stage": stage
        }
    if action.by:
        values = {"name": action.by, "stage": stage}
        return _("Resumed by %(name)s at the stage %(stage)s.") % values
    return _("Resumed at the stage %(stage)s.") % {"stage": stage}


def skipped_text() -> str:
    """Return what is said of a stage that is skipped."""
    return _("Skipped: this stage is not among those to run.")


def retry_text(state: "RetryCallState") -> str:
    """Return what is said of an attempt that failed and is followed by another one."""
    error = state.outcome.exception() if state.outcome is not None else None
    values = {
        "number": state.attempt_number,
        "reason": str(error or "").rstrip(".") or _("it asked to be tried again"),
        "delay": numbers.wait(state.upcoming_sleep),
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
    took = numbers.duration(retry.statistics.get("delay_since_first_attempt"))
    return text % {"number": number, "took": took}

"""What watchers read of an error that liveops itself raises, in the current language.

The errors speak English, as every exception does that ends up in a log or a traceback.
"""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from liveops import numbers
from liveops.commands.errors import (
    CommandFailed,
    CommandNotStarted,
    CommandTimedOut,
    last_lines,
    quote,
    signal_name,
)
from liveops.exceptions import LiveOperationsError, StageFailedError


def failure_text(error: LiveOperationsError) -> str:
    """Return what is shown of an error; of a project's own, and of mistakes in code, its text."""
    # By its very class: what is derived from one may say something else.
    kind = type(error)
    if kind is StageFailedError and isinstance(error, StageFailedError) and error.stage:
        return _stage_failed(error)
    if kind is CommandNotStarted and isinstance(error, CommandNotStarted):
        values = {"command": quote(error.command), "reason": error.reason}
        return _("%(command)s could not be started: %(reason)s.") % values
    if kind in (CommandFailed, CommandTimedOut) and isinstance(error, CommandFailed):
        return _command_failed(error)
    return str(error)


def _stage_failed(error: StageFailedError) -> str:
    values = {
        "stage": repr(error.stage),
        "number": numbers.number(error.attempts),
        "reason": error.reason,
    }
    if not error.reason:
        return (
            ngettext(
                "The stage %(stage)s failed after %(number)s attempt.",
                "The stage %(stage)s failed after %(number)s attempts.",
                error.attempts,
            )
            % values
        )
    return (
        ngettext(
            "The stage %(stage)s failed after %(number)s attempt: %(reason)s",
            "The stage %(stage)s failed after %(number)s attempts: %(reason)s",
            error.attempts,
        )
        % values
    )


def _command_failed(error: CommandFailed) -> str:
    command = quote(error.command)
    if isinstance(error, CommandTimedOut):
        values = {"command": command, "seconds": f"{error.timeout:.12g}"}
        text = _("%(command)s was stopped after %(seconds)s s, its time limit.") % values
    elif error.returncode < 0:
        values = {"command": command, "signal": signal_name(-error.returncode)}
        text = _("%(command)s was killed by %(signal)s.") % values
    else:
        values = {"command": command, "status": str(error.returncode)}
        text = _("%(command)s ended with exit status %(status)s.") % values
    lines = last_lines(error.result)
    if lines:
        # Translators: of a command; its output follows, a line each.
        text = "\n".join((text + " " + _("Its last lines:"), *lines))
    return text

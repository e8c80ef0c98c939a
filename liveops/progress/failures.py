"""What is said of an error: its text and its traceback, without what must not be shown.

Django's ``sensitive_variables`` says which variables of a function hold such values. The text of an
error is where they turn up, so the values that they had are masked in what is said of it.
"""

import inspect
import logging
import traceback
from collections.abc import Iterator
from types import FrameType
from typing import Any

from django.views.debug import SafeExceptionReporterFilter

from liveops.progress.redaction import Redactor, fit_values

logger = logging.getLogger("liveops")

_MARKED = "liveops: marked as sensitive"
_WRAPPER = "sensitive_variables_wrapper"
_MOST_ERRORS = 1_000


class _Marks(SafeExceptionReporterFilter):
    """Django's own reading of the decorator, whatever ``DEBUG`` is."""

    cleansed_substitute = _MARKED

    def is_active(self, request: Any) -> bool:
        return True

    def cleanse_special_types(self, request: Any, value: Any) -> Any:
        return value  # which is not looked at: whatever it is, that may fail


class Failure:
    """An error as it may be told.

    Args:
        error: what was raised.
        redactor: what its run masks.
        text: where else its variables may turn up; in what is longer, they are not looked for.

    Attributes:
        redactor: masks that, and what ``sensitive_variables`` marks.
        trace: the traceback with its text.
        is_told_whole: whether nothing of the error is to be masked, its variables included.
    """

    def __init__(self, error: BaseException, redactor: Redactor, text: str = "") -> None:
        trace = "".join(traceback.format_exception(error))
        marked = sensitive_values(error)
        self.redactor = redactor
        if marked:
            self.redactor = redactor.with_values(marked, f"{trace}\n{_said(error)}\n{text}")
        self.trace = self.redactor.mask(trace)
        self._error = error
        self.is_told_whole = not marked and not redactor.has_values and self.trace == trace

    def log(self, text: str, *args: object) -> None:
        """Write an error into the site's log, under a text of :mod:`logging` and its arguments.

        Where something is masked the error itself does not go there, but its traceback as text:
        handlers of logs print it anew, and some read its variables, too.
        """
        if self.is_told_whole:
            logger.error(text, *args, exc_info=self._error)
        else:
            logger.error(f"{text}\n%s", *args, self.trace.rstrip("\n"))  # noqa: G004  (no values)


def sensitive_values(error: BaseException) -> set[str]:
    """Return the values of variables that were marked where the error, or one behind it, passed.

    Of strings and bytes only, of four characters at least.
    """
    values: set[str] = set()
    for each in _errors(error):
        for frame, _ in traceback.walk_tb(each.__traceback__):
            texts = map(_text, _marked(frame))
            values.update(text for text in texts if text is not None)
    return fit_values(values)


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001  (its text is nowhere, then)
        return ""


def _errors(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, and all that it came from or is made of; each once."""
    waiting, seen = [error], set[int]()
    while waiting and len(seen) < _MOST_ERRORS:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [other for other in (each.__cause__, each.__context__) if other is not None]
        if isinstance(each, BaseExceptionGroup):
            waiting += each.exceptions


def _marked(frame: FrameType) -> Iterator[object]:
    """Yield the values of the variables in a frame that are marked."""
    variables = frame.f_locals
    if frame.f_code.co_name == _WRAPPER and _WRAPPER in variables:
        yield from _marked_arguments(variables)
        return
    for name, shown in _Marks().get_traceback_frame_variables(None, frame):
        if shown is _MARKED:
            yield variables.get(name)


def _marked_arguments(variables: dict[str, Any]) -> Iterator[object]:
    """Yield the arguments that are marked, as they were when the function was called."""
    names = getattr(variables[_WRAPPER], "sensitive_variables", ())
    given, named = variables.get("func_args", ()), variables.get("func_kwargs", {})
    try:
        bound = inspect.signature(variables["func"]).bind(*given, **named).arguments
    except (KeyError, TypeError, ValueError):  # it cannot be called like that, or says not how
        yield from (*given, *named.values())
        return
    for name, value in bound.items():
        if names == "__ALL__" or name in names:
            yield value


def _text(value: Any) -> str | None:
    kind = type(value)  # what isinstance() asks for, a lazy object works out at that moment
    if kind in (bytes, bytearray):
        return bytes(value).decode("utf-8", "replace")
    return str.__str__(value) if issubclass(kind, str) else None

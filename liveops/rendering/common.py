"""What every part of the rendering uses."""

import logging
from typing import Any

from django.db.models import Model
from django.template.defaultfilters import truncatechars
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from liveops import own_code
from liveops.models import LiveOperation
from liveops.progress.text import clean

logger = logging.getLogger("liveops")

_LONGEST_TITLE = 200


def render(name: str, **context: Any) -> SafeString:
    """Render one of the package's templates by its short name."""
    return render_to_string(f"liveops/{name}.html", context)


def title_of(operation: LiveOperation) -> str:
    """Return what an operation is called on pages.

    That is the verbose name of its class, or what a ``__str__`` of the class's own says.
    """
    return _own_name(operation) or capfirst(str(operation._meta.verbose_name))


def page_title_of(operation: LiveOperation) -> str:
    """Return the same for the title of a page, so that it differs from those of others.

    A class that does not name its operations itself has the beginning of the id stand there.
    """
    return _own_name(operation) or f"{title_of(operation)} {str(operation.pk)[:8]}"


def said_of(row: Model) -> str | None:
    """Return what the ``__str__`` of a row says; None if that fails, of which the log tells."""
    try:
        said: object = own_code.ask(row, row.__str__)
        if not isinstance(said, str):
            raise TypeError(f"__str__ returned {type(said).__name__}, not a text.")
    except Exception:
        logger.exception("liveops: %s cannot say its name", type(row).__qualname__)
        return None
    return said


def _own_name(operation: LiveOperation) -> str:
    if type(operation).__str__ is LiveOperation.__str__:
        return ""
    first = (said_of(operation) or "").strip().partition("\n")[0]
    return truncatechars(clean(first), _LONGEST_TITLE)

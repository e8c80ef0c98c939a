"""Finding the operation that a command line names by its id, or by the beginning of it."""

import re
import uuid

from django.core.management.base import CommandError
from django.db.models import QuerySet

from liveops.exceptions import UnknownOperationTypeError
from liveops.models import LiveOperation

SHORTEST_PREFIX = 8
_SHOWN = 5
_LENGTH = 32


def find_operation(text: str) -> LiveOperation:
    """Return the operation with an id, as an instance of its own class.

    Args:
        text: the id, with or without hyphens, or at least its first 8 characters.

    Raises:
        CommandError: there is none, there are several, or the project no longer has its class.
    """
    digits = text.strip().lower().replace("-", "")
    if not re.fullmatch(r"[0-9a-f]+", digits) or len(digits) > _LENGTH:
        raise CommandError(f"{text!r} is not the id of an operation.")
    if len(digits) < SHORTEST_PREFIX:
        raise CommandError(
            f"{text!r} is too short: write at least the first {SHORTEST_PREFIX} characters."
        )
    found = list(_beginning_with(digits)[: _SHOWN + 1])
    if not found:
        raise CommandError(f"There is no operation {text!r}.")
    if len(found) > 1:
        lines = [f"  {one.pk}  {one.operation_type}  {one.get_state()}" for one in found[:_SHOWN]]
        more = ["  …"] if len(found) > _SHOWN else []
        raise CommandError(
            "\n".join([f"There are several operations {text!r}; write more of it:", *lines, *more])
        )
    try:
        return found[0].specific
    except (UnknownOperationTypeError, LiveOperation.DoesNotExist) as error:
        raise CommandError(str(error)) from error


def _beginning_with(digits: str) -> "QuerySet[LiveOperation]":
    rows = LiveOperation._base_manager.order_by("pk")
    if len(digits) == _LENGTH:
        return rows.filter(pk=uuid.UUID(digits))
    first, last = (uuid.UUID(digits.ljust(_LENGTH, end)) for end in "0f")
    return rows.filter(pk__gte=first, pk__lte=last)

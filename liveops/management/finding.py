"""Finding the operations that a command line names by their ids, or by the beginning of them."""

import re
import uuid
from collections.abc import Iterable
from difflib import SequenceMatcher

from django.core.management.base import CommandError
from django.db.models import QuerySet

from liveops import ids
from liveops.exceptions import UnknownOperationTypeError
from liveops.models import LiveOperation
from liveops.progress.text import clean

ID_HELP = "id of the operation, or its first 8 characters or more"
"""What ``--help`` says of an id."""

SHORTEST_PREFIX = 8
_SHOWN = 5
_LENGTH = 32
_NEWEST = 200
_LIKE = 0.75


def find_operations(texts: Iterable[str]) -> list[LiveOperation]:
    """Return the operations with these ids, each once, in their order.

    Args:
        texts: ids, each as for :func:`find_operation`.

    Raises:
        CommandError: one of them cannot be found; all that is wrong is told.
    """
    found: dict[uuid.UUID, LiveOperation] = {}
    problems: list[str] = []
    for text in dict.fromkeys(texts):
        try:
            operation = find_operation(text)
        except CommandError as error:
            problems.append(str(error))
        else:
            found.setdefault(operation.pk, operation)
    if problems:
        raise CommandError("\n".join(problems))
    return list(found.values())


def find_operation(text: str) -> LiveOperation:
    """Return the operation with an id, as an instance of its own class.

    Args:
        text: the id, with or without hyphens, or at least its first 8 characters.

    Raises:
        CommandError: there is none, there are several, or the project no longer has its class.
    """
    digits = text.strip().lower().replace("-", "")
    if not re.fullmatch(r"[0-9a-f]+", digits) or len(digits) > _LENGTH:
        raise CommandError(f"{text!r} is not the id of an operation.{_hint(digits)}")
    if len(digits) < SHORTEST_PREFIX:
        raise CommandError(
            f"{text!r} is too short: write at least the first {SHORTEST_PREFIX} characters."
        )
    found = list(_beginning_with(digits)[: _SHOWN + 1])
    if not found:
        raise CommandError(f"There is no operation {text!r}.{_hint(digits)}")
    if len(found) > 1:
        more = ["  …"] if len(found) > _SHOWN else []
        lines = [f"There are several operations {text!r}; write more of it:"]
        raise CommandError("\n".join([*lines, *map(_line, found[:_SHOWN]), *more]))
    try:
        return found[0].specific
    except (UnknownOperationTypeError, LiveOperation.DoesNotExist) as error:
        raise CommandError(str(error)) from error


def _beginning_with(digits: str) -> "QuerySet[LiveOperation]":
    rows = LiveOperation._base_manager.order_by("pk")
    if len(digits) == _LENGTH:
        return rows.filter(pk=uuid.UUID(digits))
    return rows.filter(ids.beginning_with(digits))


def _hint(digits: str) -> str:
    """Return which of the newest operations may have been meant, or where to find them."""
    newest = LiveOperation._base_manager.order_by("-created_on", "pk")[:_NEWEST]
    matcher = SequenceMatcher(b=digits, autojunk=False)
    likeness: list[tuple[float, LiveOperation]] = []
    for operation in newest:
        matcher.set_seq1(operation.pk.hex[: len(digits)])
        if matcher.quick_ratio() >= _LIKE and (ratio := matcher.ratio()) >= _LIKE:
            likeness.append((ratio, operation))
    likeness.sort(key=lambda pair: -pair[0])
    if not likeness or not digits:  # what is empty is like everything
        return " liveops_list shows the newest ones."
    lines = [_line(operation) for _, operation in likeness[:_SHOWN]]
    return "\n".join([" Did you mean:", *lines])


def _line(operation: LiveOperation) -> str:
    return f"  {operation.pk}  {clean(operation.operation_type)}  {operation.get_state()}"

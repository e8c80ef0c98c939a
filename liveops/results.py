"""What ``p.result()`` may be given, and a stage return: what the database takes as JSON."""

import json
import re
from collections.abc import Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from liveops.exceptions import InvalidResultError

_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_DEEPEST = 100


def storable(context: Mapping[str, Any] | None, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return a result as the database will give it back.

    Args:
        context: the result, a mapping with string keys; None is an empty one.
        extra: more entries, which win over those of ``context``.

    Raises:
        InvalidResultError: not a mapping, or a value that JSON cannot take; the message says where.
    """
    if context is not None and not isinstance(context, Mapping):
        raise InvalidResultError(
            f"result() takes a dict of names and values, not {type(context).__name__}; "
            f"write result(value=…) instead."
        )
    merged = {**(context or {}), **extra}
    loaded: dict[str, Any] = _as_stored(merged, "The result cannot be stored as JSON")
    return loaded


def storable_checkpoint(stage: str, value: Any) -> Any:
    """Return what a stage returned as the database will give it back.

    Raises:
        InvalidResultError: JSON cannot take it; the message names the stage and the place.
    """
    problem = f"What the stage {stage!r} returned cannot be stored as JSON, for a resume"
    return _as_stored(value, problem)


def _as_stored(value: Any, problem: str) -> Any:
    try:
        return json.loads(_dump(value))
    except (TypeError, ValueError, RecursionError) as error:
        path, reason = _culprit(value, "result", error)
        raise InvalidResultError(
            f"{problem}: {path} {reason}. "
            f"Give a str, number, bool, None, date, Decimal, UUID, list or dict there."
        ) from error


def _dump(value: Any) -> str:
    text = json.dumps(value, cls=DjangoJSONEncoder, allow_nan=False, ensure_ascii=False)
    if "\\u0000" in text and _ESCAPED_NUL.search(text):
        raise ValueError("holds a NUL character, which databases refuse")
    text.encode("utf-8")
    return text


def _culprit(
    value: Any, path: str, error: Exception, above: tuple[int, ...] = ()
) -> tuple[str, str]:
    """Return the path of the innermost value that JSON refuses, and why."""
    entries: list[tuple[str, Any]] = []
    if id(value) in above:
        return path, "contains itself"
    if len(above) > _DEEPEST:
        return path, "is nested too deeply"
    if isinstance(value, Mapping):
        for key in value:
            if reason := _key_problem(key):
                return path, f"has the key {key!r}, which {reason}"
        entries = [(f"{path}[{key!r}]", item) for key, item in value.items()]
    elif isinstance(value, list | tuple):
        entries = [(f"{path}[{number}]", item) for number, item in enumerate(value)]
    for inner, item in entries:
        try:
            _dump(item)
        except (TypeError, ValueError, RecursionError) as cause:
            return _culprit(item, inner, cause, (*above, id(value)))
    if isinstance(error, UnicodeEncodeError):
        return path, "holds a character that is not valid Unicode"
    if isinstance(error, ValueError) and isinstance(value, float):
        return path, f"is {value!r}, which JSON does not have"
    if isinstance(error, ValueError) and isinstance(value, str):
        return path, str(error)
    return path, f"is of type {type(value).__name__}"


def _key_problem(key: object) -> str:
    """Return what is wrong with a key, or an empty string."""
    if not isinstance(key, str | int | float | bool | None):
        return "is not a string"
    try:
        _dump({key: None})
    except UnicodeEncodeError:
        return "holds a character that is not valid Unicode"
    except ValueError as error:
        return str(error) if isinstance(key, str) else "JSON does not have"
    return ""

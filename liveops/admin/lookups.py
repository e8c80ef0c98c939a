"""What the address of a list may ask for: what every database can answer, whatever the value."""

from typing import Any

from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import FieldDoesNotExist
from django.db.models import JSONField, Model

_ANSWERED = {
    *("exact", "iexact", "in", "isnull", "gt", "gte", "lt", "lte", "contains", "icontains"),
    *("startswith", "istartswith", "endswith", "iendswith"),
}
_MOST_DIGITS = 18  # of a number that every database has room for
_OF_DATES = {"year", "month", "day"}


def is_storable(parameter: tuple[str, list[str]]) -> bool:
    """Return whether every database takes the values of a parameter, as a text or as a number.

    Args:
        parameter: its name, and its values as they stand in the address.
    """
    name, values = parameter
    if any("\x00" in value for value in values):
        return False
    parts = [part.strip(" +-") for value in values for part in value.split(",")]
    too_long = (part.isdecimal() and len(part) > _MOST_DIGITS for part in parts)
    return name == SEARCH_VAR or not any(too_long)


def can_be_answered(model: type[Model], lookup: str, date_hierarchy: str | None) -> bool:
    """Return whether no value makes a lookup fail in a database that some project has.

    Regular expressions may be wrong, years beyond all calendars, and not every database can look
    into JSON.

    Args:
        model: what is listed.
        lookup: the name of a parameter, such as ``owner__id__exact``.
        date_hierarchy: the field whose years, months and days Django checks itself.
    """
    found: type[Model] | None = model
    field: Any = None
    parts = lookup.split("__")
    while parts and found is not None:
        try:
            field = found._meta.get_field("id" if parts[0] == "pk" else parts[0])
        except FieldDoesNotExist:
            break
        parts.pop(0)
        found = field.related_model if field.is_relation else None
    if field is None:
        return True  # the name of a filter of the project's own
    if parts and isinstance(field, JSONField):
        return False
    answered = _ANSWERED
    if lookup.rpartition("__")[0] == date_hierarchy:
        answered = _ANSWERED | _OF_DATES
    return len(parts) <= 1 and answered.issuperset(parts)

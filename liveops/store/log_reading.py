"""Reading stored log lines, so many at a time."""

from django.db.models import QuerySet

from liveops.models import LiveOperation, LogLine
from liveops.progress.view import Line

_COLUMNS = ("seq", "time", "level", "stage", "text")


class StoredLog:
    """The stored lines of one operation, by their numbers.

    Numbers follow one another, so the lines next to a number are looked for between two numbers:
    MariaDB reads every line on the way to one that is bounded on one side only. Where a number is
    missing after all, the others are asked for in a second query.

    Args:
        operation: an operation; any class will do.
        alias: of the database to read; by default, the one that the operation was read from.

    Attributes:
        rows: all of its lines, in no order.
    """

    def __init__(self, operation: LiveOperation, alias: str | None = None) -> None:
        self.rows = LogLine.objects.using(alias or operation._state.db).filter(
            operation=operation.pk
        )

    def first(self) -> int | None:
        """Return the number of the first line; None if there is none."""
        return self.rows.order_by("seq").values_list("seq", flat=True).first()

    def last(self) -> int | None:
        """Return the number of the last line; None if there is none."""
        return self.rows.order_by("-seq").values_list("seq", flat=True).first()

    def tail(self, most: int) -> list[Line]:
        """Return the last lines, oldest first."""
        return _lines(self.rows.order_by("-seq")[:most])[::-1]

    def after(self, number: int, most: int) -> list[Line]:
        """Return the first lines after a number, oldest first."""
        rows, end = self.rows.order_by("seq"), number + most
        lines = _lines(rows.filter(seq__gt=number, seq__lte=end))
        if len(lines) == most or (self.last() or 0) <= end:
            return lines
        return _lines(rows.filter(seq__gt=number)[:most])

    def before(self, number: int, most: int) -> list[Line]:
        """Return the last lines before a number, oldest first."""
        rows, begin = self.rows.order_by("-seq"), number - most
        lines = _lines(rows.filter(seq__lt=number, seq__gte=begin))
        if len(lines) < most and (self.first() or begin) < begin:
            lines = _lines(rows.filter(seq__lt=number)[:most])
        return lines[::-1]


def _lines(rows: QuerySet[LogLine]) -> list[Line]:
    return [Line(*row) for row in rows.values_list(*_COLUMNS)]

"""Log lines for the tests of the log."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from liveops.models import LogLine
from liveops.progress.view import Line

NOON = datetime(2026, 11, 22, 12, 0, 0, 123_456, tzinfo=UTC)


def line(number: int, text: str = "", **values: Any) -> Line:
    """Return a line; the next number is a second later."""
    moment = NOON + timedelta(seconds=number)
    defaults = {"time": moment, "level": "info", "stage": "Load", "text": text or f"line {number}"}
    return Line(number, **{**defaults, **values})


def store_lines(operation: Any, lines: Iterable[Line]) -> None:
    """Save lines as those of an operation."""
    LogLine.objects.bulk_create(
        LogLine(
            operation_id=operation.pk,
            seq=line.seq,
            time=line.time,
            level=line.level,
            stage=line.stage,
            text=line.text,
        )
        for line in lines
    )

"""Text as watchers see it: cleaned of what breaks terminals, sockets and databases, and numbers."""

import re

LEVELS = ("debug", "info", "success", "warning", "error")
"""The levels of a status text and of a log line."""

LOG_LINE_LIMIT = 8_192
"""Longest log line in characters; the rest is cut and the cut is marked."""

STATUS_LIMIT = 1_000
"""Longest status text in characters."""

ERROR_LIMIT = 10_000
"""Longest sentence about an error in characters."""

# From U+202A on: what forces a direction upon what follows, so that it reads as something else.
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_LINE_BREAK = re.compile("\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")
DAY = 86_400
"""Seconds of a day."""

LONGEST = 99 * DAY
"""The seconds from which on a duration is shown as one that is not known."""

SLOWEST = 1 / LONGEST
"""Items a second below which nothing moves."""


def unknown_level(level: object) -> ValueError:
    """Return the error for a level that there is none of."""
    return ValueError(f"Unknown level {level!r}; use one of {', '.join(LEVELS)}.")


def clean(text: str) -> str:
    """Return the text with control characters made visible and lone surrogates replaced.

    A tab stays. ``ESC`` and its kin become their Unicode control pictures, so that a log line
    can neither move the cursor of a terminal nor end a frame. What forces a direction upon the
    letters that follow is replaced, so that none can show another text than it is; those that only
    hint at one (U+200E, U+200F, U+061C) stay, and so do right-to-left letters.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _CONTROL.sub(_picture, text)
    return text.encode("utf-8", "replace").decode("utf-8")


def clean_lines(text: str) -> str:
    """Return the text with each of its lines cleaned; the line breaks stay."""
    return "\n".join(map(clean, split_lines(text)))


class CutText(str):
    """A text that was cut and says so at its end; it is not cut once more."""

    __slots__ = ()


def cut(text: str, limit: int) -> str:
    """Return at most ``limit`` characters of the text, and say so where something was cut."""
    if len(text) <= limit or isinstance(text, CutText):
        return text
    return CutText(f"{text[:limit]}… [{len(text):,} characters, cut at {limit:,}]")


def split_lines(text: str) -> list[str]:
    """Return the text's lines without their ends; an empty text is one empty line."""
    if text.isprintable():  # most are, and no line break is
        return [text]
    lines = _LINE_BREAK.split(text)
    if len(lines) > 1 and not lines[-1]:
        lines.pop()
    return lines


def format_counts(done: int, total: int | None, unit: str) -> str:
    """Return ``11,200 / 28,000 rows`` or, without a total, ``11,200 rows``."""
    shown = f"{done:,}" if total is None else f"{done:,} / {total:,}"
    number = done if total is None else total
    return f"{shown} {plural(unit, number)}".rstrip()


def format_percent(percent: float | None) -> str:
    """Return ``42 %``, rounded down so that 100 % means done; empty where it is not known."""
    return "" if percent is None else f"{int(percent)} %"


def format_rate(rate: float | None, unit: str) -> str:
    """Return ``5,600 rows/s``, or ``3.4 s/row`` where one item takes longer than a second.

    Empty where no rate is known, or nothing moves.
    """
    if rate is None or not SLOWEST <= rate < float("inf"):
        return ""
    if rate < 1:
        return f"{1 / rate:,.1f} s/{unit}"
    digits = 1 if rate < 10 else 0
    return f"{rate:,.{digits}f} {plural(unit, 2)}/s"


def format_duration(seconds: float | None) -> str:
    """Return ``0:07``, ``12:34`` or ``1:02:03``; a dash when the duration is not known."""
    if seconds is None or not 0 <= seconds < LONGEST:
        return "–"
    days, rest = divmod(round(seconds), DAY)
    if days:
        return f"{days} d {clock(rest)}"
    return clock(rest) if rest >= 3600 else f"{rest // 60}:{rest % 60:02}"


def clock(seconds: int) -> str:
    """Return hours, minutes and seconds, such as ``1:02:03``."""
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def format_took(seconds: float | None) -> str:
    """Return how long something took: ``0.4 s``, ``3.4 s``, from ten seconds on ``0:12``.

    Empty where it is not known.
    """
    if seconds is None or not 0 <= seconds < LONGEST:
        return ""
    if seconds < 0.05:
        return "< 0.1 s"
    return f"{seconds:.1f} s" if seconds < 9.95 else format_duration(seconds)


def format_usual(seconds: float | None) -> str:
    """Return about how long something takes: ``~3 s``, ``~0:40``; empty where it is not known."""
    if seconds is None or not 0 <= seconds < LONGEST:
        return ""
    return f"~{max(round(seconds), 1)} s" if seconds < 9.5 else f"~{format_duration(seconds)}"


def format_seconds(seconds: float) -> str:
    """Return a short time as ``0.2 s`` or ``5 s``; from a minute on as :func:`format_duration`."""
    return f"{round(seconds, 1):g} s" if seconds < 60 else format_duration(seconds)


def plural(unit: str, number: int) -> str:
    """Return an English unit in the number that fits; units are the caller's own words."""
    return unit if number == 1 or not unit or unit.endswith("s") else f"{unit}s"


def _picture(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code == 0x7F:
        return "\u2421"
    return chr(0x2400 + code) if code < 0x20 else "\ufffd"

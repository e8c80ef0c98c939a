"""What must not be shown or stored: values of a run, and patterns of the site. Pure.

A value is masked as it is, and as it looks inside of other texts: in a ``repr()``, in JSON, quoted
for a shell, percent-encoded in an address. Of one with several lines each line is masked, too, for
logs have no other.
"""

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from urllib.parse import quote, quote_plus

MASK = "***"
"""Stands where something was masked; shorter than any value, so that it never is one."""

LEAST = 4
"""Characters of the shortest value that is masked; fewer stand in ordinary words by chance."""

_AHEAD = 1_024  # characters that are awaited before a part of a long line is given
_BEFORE = 32  # characters that a pattern may look back at
_MOST_AWAITED = 131_072
_PASSES = 3
_HEX = re.compile("%[0-9A-F]{2}")

Span = tuple[int, int]


@cache
def compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    """Return the patterns, compiled; once in a process."""
    return tuple(re.compile(pattern) for pattern in patterns)


class Redactor:
    """Masks values and patterns in texts. Safe to use from several threads.

    Args:
        patterns: of each match the first group is masked, or all of it if there is none.

    Attributes:
        is_active: whether there is anything to mask.
        has_values: whether there are values, and not only patterns.
    """

    __slots__ = ("_groups", "_lock", "_longest", "_patterns", "_values", "has_values", "is_active")

    def __init__(self, patterns: Sequence[re.Pattern[str]] = ()) -> None:
        self._patterns = tuple(patterns)
        self._groups: tuple[frozenset[str], ...] = ()  # of the forms of values
        self._values: tuple[re.Pattern[str], ...] = ()  # one for each group
        self._longest = 0
        self._lock = threading.Lock()
        self.has_values = False
        self.is_active = bool(patterns)

    def add(self, values: Iterable[str]) -> None:
        """Mask these values from now on; they were checked by :func:`checked_values`."""
        self._add({form for value in values for part in _parts(value) for form in _forms(part)})

    def with_values(self, values: Iterable[str], text: str) -> "Redactor":
        """Return one that masks these values in a text, too, and leave this one as it is.

        However many and long they are, it costs little more than to look for them in the text.
        """
        other = Redactor(self._patterns)
        with self._lock:
            other._values, other._groups = self._values, self._groups
            other._longest, other.has_values = self._longest, self.has_values
            other.is_active = self.is_active
        size = len(text)
        # No form is shorter than what it is one of.
        parts = {part for value in values for part in _parts(value) if len(part) <= size}
        other._add({form for part in parts for form in _forms(part) if form in text})
        return other

    def _add(self, forms: set[str]) -> None:
        with self._lock:
            more = frozenset(forms).difference(*self._groups)
            if not more:
                return
            groups, compiled_groups = list(self._groups), list(self._values)
            # As one adds up binary digits, so that a run may name one value after another.
            while groups and len(groups[-1]) <= len(more):
                more |= groups.pop()
                compiled_groups.pop()
            # Longest first, so that of a value that holds another one nothing is left over.
            ordered = sorted(more, key=lambda form: (-len(form), form))
            self._groups = (*groups, more)
            self._values = (*compiled_groups, re.compile("|".join(map(re.escape, ordered))))
            self._longest = max(self._longest, len(ordered[0]))
            self.has_values = self.is_active = True

    def mask(self, text: str) -> str:
        """Return the text without what must not be shown; that holds no value any more."""
        if not self.is_active:
            return text
        values = self._values
        text = _masked(text, values, self._patterns)
        if not values:
            return text
        for _ in range(_PASSES):  # what stood around a value may make one together with its mask
            if not any(each.search(text) for each in values):
                return text
            text = _masked(text, values)
        return MASK

    def unfinished(self, text: str) -> int:
        """Return how many characters at the end may be the beginning of a value."""
        forms = [form for group in self._groups for form in group]
        firsts = {form[0] for form in forms}
        for start in range(max(len(text) - self._longest + 1, 0), len(text)):
            if text[start] in firsts:
                rest = text[start:]
                if any(form.startswith(rest) for form in forms):
                    return len(rest)
        return 0

    def safe_end(self, text: str) -> int:
        """Return up to where a long line that still grows can be masked, whatever comes yet.

        What is matched beyond that place belongs to the rest as a whole. Where a match goes on for
        more than 131,072 characters, it is not awaited any longer.
        """
        if len(text) > _MOST_AWAITED:
            return len(text)
        end = max(len(text) - max(_AHEAD, self._longest), 0)
        found = [match.span() for pattern in self._patterns for match in pattern.finditer(text)]
        for values in self._values:
            found += _places(values, text)
        for start, stop in sorted(found, reverse=True):
            if start - _BEFORE < end < stop:
                end = max(start - _BEFORE, 0)
        return end


NOTHING = Redactor()
"""Masks nothing; has no values added."""


def checked_values(values: object, name: str = "secrets") -> tuple[str, ...]:
    """Return values that can be masked; what is raised never shows one.

    Args:
        values: strings of which one line has four characters at least.
        name: what the values are called where somebody gave them.

    Raises:
        TypeError: not an iterable of strings.
        ValueError: an empty value, or one so short that ordinary text would be masked.
    """
    if isinstance(values, str | bytes | bytearray) or not isinstance(values, Iterable):
        raise TypeError(f"{name} takes several strings, as a list; got {type(values).__name__}.")
    found = tuple(values)
    for place, value in enumerate(found):
        if not isinstance(value, str):
            kind = type(value).__name__
            raise TypeError(f"Item {place} of {name} must be a string; got {kind}.")
        if not value.strip():
            raise ValueError(f"Item {place} of {name} is empty; there is nothing to mask.")
        if not _parts(value):
            raise ValueError(
                f"Item {place} of {name} is shorter than {LEAST} characters; wherever they stand "
                "in ordinary text, that would be masked, too."
            )
    return found


def fit_values(values: Iterable[str]) -> set[str]:
    """Return those of the values that can be masked."""
    return {value for value in values if _parts(value)}


def _parts(value: str) -> list[str]:
    """Return what is masked of a value: its lines that are long enough, and the whole of it."""
    lines = [line.strip() for line in value.splitlines()]
    long = [line for line in lines if len(line) >= LEAST]
    return [value.strip(), *long] if long else []


def _forms(part: str) -> Iterator[str]:
    """Yield a part of a value as it may stand in a text."""
    data = part.encode("utf-8", "surrogatepass")
    yield part
    for show in (repr, ascii):
        for escaped in _escaped(show, part):
            yield escaped
            yield from _escaped(show, escaped)  # as in the text of a KeyError
    # With both kinds of quotes in it, repr() escapes the single ones.
    escaped = repr(data + b"'\"")[2:-4]
    yield from (escaped, escaped.replace("\\'", "'"))
    yield from (json.dumps(part)[1:-1], json.dumps(part, ensure_ascii=False)[1:-1])
    quoted = part
    for _ in range(3):  # as shlex.quote() does, of a line for a shell that another one is given
        quoted = quoted.replace("'", "'\"'\"'")
        yield quoted
        for show in (repr, ascii):
            yield from _escaped(show, quoted)
    script = quote(data, safe="-_.!~*'()")  # as encodeURIComponent() does
    yield from (script, _HEX.sub(lambda match: match.group().lower(), script))
    for encoded in (quote(data, safe=""), quote(data), quote_plus(data)):
        yield from (encoded, _HEX.sub(lambda match: match.group().lower(), encoded))


def _escaped(show: Callable[[str], str], part: str) -> Iterator[str]:
    escaped = show(part + "'\"")[1:-4]
    yield from (escaped, escaped.replace("\\'", "'"))


def _places(values: re.Pattern[str], text: str) -> Iterator[Span]:
    """Yield where values stand, also those that overlap."""
    place = 0
    while (match := values.search(text, place)) is not None:
        yield match.span()
        place = match.start() + 1


def _masked(
    text: str, values: Iterable[re.Pattern[str]], patterns: Iterable[re.Pattern[str]] = ()
) -> str:
    spans = [span for each in values for span in _places(each, text)]
    for pattern in patterns:
        for match in pattern.finditer(text):
            group = 1 if pattern.groups and match.start(1) >= 0 else 0
            if match.end(group) > match.start(group):
                spans.append(match.span(group))
    if not spans:
        return text
    pieces: list[str] = []
    last = 0
    for start, end in _together(spans):
        pieces += (text[last:start], MASK)
        last = end
    return "".join((*pieces, text[last:]))


def _together(spans: list[Span]) -> Iterator[Span]:
    """Yield spans in their order, those that overlap or touch as one."""
    spans.sort()
    begin, end = spans[0]
    for start, stop in spans:
        if start > end:
            yield begin, end
            begin, end = start, stop
        else:
            end = max(end, stop)
    yield begin, end

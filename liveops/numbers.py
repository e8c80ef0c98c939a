"""Numbers, shares and times that were taken, as people of the current language write them.

:mod:`liveops.progress.text` gives the same in English, for terminals and without Django.
"""

from datetime import datetime
from decimal import Decimal

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, ngettext_lazy

from liveops.progress import text

SAMPLES = {"zero": 0, "one": 1, "two": 2, "few": 3, "many": 11, "other": 100}
"""A number for each of the plural forms that browsers know, of every language that has the form."""

# So that catalogues have it: what is counted unless user code says what.
_USUAL_UNIT = ngettext_lazy("item", "items")


def number(value: float, digits: int = 0) -> str:
    """Return ``28,000``, or ``3.4`` with so many digits behind the point."""
    rounded = Decimal(f"{value:.{digits}f}")
    return number_format(rounded, digits, use_l10n=True, force_grouping=True)


def separator() -> str:
    """Return what stands between the thousands; empty where nothing does."""
    return number(1111).strip("1")


def counts(done: int, total: int | None, unit: str) -> str:
    """Return ``11,200 / 28,000 rows`` or, without a total, ``11,200 rows``."""
    shown = number(done) if total is None else f"{number(done)} / {number(total)}"
    return f"{shown} {units(unit, done if total is None else total)}".rstrip()


def units(unit: str, amount: int) -> str:
    """Return a unit in the number that fits, translated if a catalogue has it with its plural."""
    return ngettext(unit, text.plural(unit, 2), amount) if unit else ""


def percent(value: float | None) -> str:
    """Return ``42 %``, rounded down so that 100 % means done; empty where it is not known."""
    # Translators: a share of the whole, such as 42 %.
    return "" if value is None else _("{number} %").format(number=number(int(value)))


def rate(value: float | None, unit: str) -> str:
    """Return ``5,600 rows/s``, or ``3.4 s/row`` where one item takes longer than a second.

    Empty where no rate is known, or nothing moves.
    """
    if value is None or not text.SLOWEST <= value < float("inf"):
        return ""
    if value < 1:
        # Translators: the seconds that one item takes, such as 3.4 s/row.
        pace = _("{number} s/{unit}")
        return pace.format(number=number(1 / value, 1), unit=units(unit, 1))
    # Translators: the items done in a second, such as 5,600 rows/s.
    pace = _("{number} {unit}/s")
    return pace.format(number=number(value, 1 if value < 10 else 0), unit=units(unit, 100))


def duration(seconds: float | None) -> str:
    """Return ``0:07``, ``12:34`` or ``1:02:03``, with days if any; a dash if it is not known."""
    if seconds is None or not 0 <= seconds < text.LONGEST:
        return "–"
    days, rest = divmod(round(seconds), text.DAY)
    if not days:
        return text.format_duration(rest)
    return days_pattern().format(days=number(days), time=text.clock(rest))


def days_pattern() -> str:
    """Return what a duration of a day or more looks like, with ``{days}`` and ``{time}`` in it."""
    # Translators: a duration of a day or more; "d" is short for days, as in 2 d 3:04:05.
    return _("{days} d {time}")


def took(seconds: float | None) -> str:
    """Return how long something took: ``0.4 s``, ``3.4 s``, from ten seconds on ``0:12``.

    Empty where it is not known.
    """
    if seconds is None or not 0 <= seconds < text.LONGEST:
        return ""
    if seconds < 0.05:
        # Translators: it took less than so many seconds; "s" is short for seconds.
        return _("< {number} s").format(number=number(0.1, 1))
    return _seconds(seconds, 1) if seconds < 9.95 else duration(seconds)


def usual(seconds: float | None) -> str:
    """Return about how long something takes: ``~3 s``, ``~0:40``; empty where it is not known."""
    if seconds is None or not 0 <= seconds < text.LONGEST:
        return ""
    return f"~{_seconds(max(round(seconds), 1)) if seconds < 9.5 else duration(seconds)}"


def _seconds(value: float, digits: int = 0) -> str:
    # Translators: so many seconds, such as 3.4 s.
    return _("{number} s").format(number=number(value, digits))


def local(moment: datetime) -> datetime:
    """Return a stored moment in the time zone of the page; as it is where ``USE_TZ`` is off."""
    return timezone.localtime(moment) if timezone.is_aware(moment) else moment


def exactly(moment: datetime) -> str:
    """Return a stored moment to the second, in the time zone of the page, which it names."""
    return f"{local(moment):%Y-%m-%d %H:%M:%S %Z}".rstrip()


def wait(seconds: float) -> str:
    """Return how long a pause is to be: ``0.2 s``, ``5 s``, from ten seconds on ``0:12``."""
    if seconds >= 9.95:
        return duration(seconds)
    return _seconds(seconds, 0 if round(seconds, 1) == round(seconds) else 1)

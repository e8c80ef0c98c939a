"""`python -m tests.benchmarks.plot`: measure how costs grow, and draw docs/images/scaling.svg.

Both axes are logarithmic, so that what is linear is a line with the slope of the dotted one.
"""

import math
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.benchmarks.growth import Growth

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "images" / "scaling.svg"

# Each is told from the others by its mark, too.
_COLOURS = ("#0b62c4", "#b3261e", "#1b7f3b", "#8a4fbf", "#8a5a00")
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM, _RIGHT = 780, 390, 84, 24, 330, 530


def picture(growths: Sequence["Growth"]) -> str:
    """Return the plot: milliseconds by size, a line for each, named with its exponent."""
    sizes = [size for growth in growths for size in growth.sizes]
    costs = [cost for growth in growths for cost in growth.milliseconds]
    x_axis, y_axis = _decades(sizes), _decades(costs)

    def place(size: float, cost: float) -> tuple[float, float]:
        x = _share(size, x_axis) * (_RIGHT - _LEFT) + _LEFT
        return x, _BOTTOM - _share(cost, y_axis) * (_BOTTOM - _TOP)

    size = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="13">',
        "<title>Milliseconds by size, both logarithmic</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" rx="8" fill="#ffffff"/>',
    ]
    for decade in range(x_axis[0], x_axis[1] + 1):
        x, _ = place(10**decade, 10 ** y_axis[0])
        parts += _line([(x, _TOP), (x, _BOTTOM)], "#d5d9de")
        parts.append(_text(x, _BOTTOM + 20, f"{10**decade:,}", "middle"))
    for decade in range(y_axis[0], y_axis[1] + 1):
        _, y = place(10 ** x_axis[0], 10**decade)
        parts += _line([(_LEFT, y), (_RIGHT, y)], "#d5d9de")
        parts.append(_text(_LEFT - 8, y + 4, f"{10.0**decade:,g} ms", "end"))
    parts.append(_text((_LEFT + _RIGHT) / 2, _BOTTOM + 44, "how many there are", "middle"))
    span = min(x_axis[1] - x_axis[0], y_axis[1] - y_axis[0])
    ends = [place(10 ** (x_axis[0] + n), 10 ** (y_axis[0] + n)) for n in (0, span)]
    parts += _line(ends, "#5f6873", ' stroke-dasharray="3 4"')
    parts.append(_text(_RIGHT + 44, _TOP + 12, "dotted: linear", colour="#5f6873"))
    for number, (growth, colour) in enumerate(zip(growths, _COLOURS, strict=False)):
        points = [place(*one) for one in zip(growth.sizes, growth.milliseconds, strict=True)]
        parts += _line(points, colour, ' stroke-width="2"')
        at = (_RIGHT + 30.0, _TOP + 46.0 + 48 * number)
        parts += [_mark(point, number, colour) for point in (*points, (at[0], at[1] - 4))]
        parts.append(_text(at[0] + 14, at[1], growth.name))
        parts.append(
            _text(at[0] + 14, at[1] + 18, f"exponent {round(growth.exponent, 2) + 0.0:.2f}")
        )
    return "\n".join([*parts, "</svg>", ""])


def _decades(values: Iterable[float]) -> tuple[int, int]:
    logs = [math.log10(value) for value in values]
    return math.floor(min(logs)), math.ceil(max(logs))


def _share(value: float, axis: tuple[int, int]) -> float:
    return (math.log10(value) - axis[0]) / max(axis[1] - axis[0], 1)


def _line(points: Iterable[tuple[float, float]], colour: str, more: str = "") -> Iterator[str]:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}"{more}/>'


def _text(x: float, y: float, text: str, anchor: str = "start", colour: str = "#1f2328") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">'
        f"{escape(text)}</text>"
    )


def _mark(point: tuple[float, float], number: int, colour: str) -> str:
    x, y = point
    if number % 2:
        return (
            f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="{colour}"'
            f"{_turned(x, y, number)}/>"
        )
    filling = colour if number % 4 == 0 else "#ffffff"
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{filling}" stroke="{colour}"/>'


def _turned(x: float, y: float, number: int) -> str:
    return f' transform="rotate(45 {x:.1f} {y:.1f})"' if number % 4 == 3 else ""


def main() -> int:
    """Measure on a new database, and draw."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LIVEOPS_TEST_DB"] = str(Path(folder, "plot.sqlite3"))
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        import django  # noqa: PLC0415  (only here are its settings known)

        django.setup()
        from django.core.management import call_command  # noqa: PLC0415

        from tests.benchmarks.growth import growths  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        found = list(growths())
    for growth in found:
        costs = ", ".join(f"{cost:.3g}" for cost in growth.milliseconds)
        print(f"{growth.name}: {costs} ms at {growth.sizes}, exponent {growth.exponent:.2f}")
    PICTURE.write_text(picture(found), encoding="utf-8")
    print(f"Written to {PICTURE}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

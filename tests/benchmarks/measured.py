"""A measured figure, the table of all of them, and what has become of an earlier one."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

TOLERANCE = 1.2
"""How many times an earlier ratio counts as the same: machines are never quite at rest."""

RUNS_KEPT = 5
"""Of how many runs the ratios are kept, for one run says little about what is usual."""


@dataclass(frozen=True)
class Measured:
    """What something costs, beside what a user would take instead or beside a bare limit.

    Both were measured in one run, in turns, so that their ratio holds on other machines.

    Attributes:
        group: the part of the suite, such as ``"calls"``.
        name: what was measured.
        value: its cost; less is better.
        unit: of ``value`` and ``base``.
        against: what it is compared with.
        base: the cost of that, or the limit.
        goal: the highest ratio that is good enough; None where there is no goal.
        is_count: whether these are counts, which are the same in each run, and not times.
        kept: the ratios of the runs that were kept, this one included, latest last.
    """

    group: str
    name: str
    value: float
    unit: str
    against: str
    base: float
    goal: float | None = None
    is_count: bool = False
    kept: tuple[float, ...] = ()

    @property
    def ratio(self) -> float:
        """How many times the cost of what it is compared with."""
        return self.value / self.base

    @property
    def key(self) -> tuple[str, str, str]:
        """What the same figure has in another run."""
        return self.group, self.name, self.against

    @property
    def highest(self) -> float:
        """The highest ratio that was kept and met its goal, or its own; of counts, the latest."""
        good = [ratio for ratio in self.kept if self.goal is None or ratio <= self.goal]
        return self.ratio if self.is_count else max(good, default=self.ratio)

    @property
    def is_missed(self) -> bool:
        """Whether the goal is missed."""
        return self.goal is not None and self.ratio > self.goal


def to_json(figures: Iterable[Measured]) -> list[dict[str, Any]]:
    """Return figures as they are written to a file."""
    return [{**asdict(figure), "ratio": round(figure.ratio, 4)} for figure in figures]


def from_json(rows: Iterable[dict[str, Any]]) -> list[Measured]:
    """Return figures from a file."""
    figures = []
    for row in rows:
        values = {k: v for k, v in row.items() if k != "ratio"}
        figures.append(Measured(**{**values, "kept": tuple(values.get("kept", ()))}))
    return figures


def keep(figures: Iterable[Measured], before: Iterable[Measured]) -> list[Measured]:
    """Return figures with the ratios of earlier runs beside their own."""
    known = {figure.key: figure.kept for figure in before}
    return [
        replace(figure, kept=(*known.get(figure.key, ()), round(figure.ratio, 4))[-RUNS_KEPT:])
        for figure in figures
    ]


def better(figures: Iterable[Measured], again: Iterable[Measured]) -> list[Measured]:
    """Return each figure, or the one of a second look if its ratio is lower."""
    second = {figure.key: figure for figure in again}
    return [
        min(figure, second.get(figure.key, figure), key=lambda one: one.ratio) for figure in figures
    ]


def table(figures: Iterable[Measured], before: Iterable[Measured] = ()) -> str:
    """Return a table for the terminal; with the earlier ratios in a column, if there are any."""
    known = {figure.key: figure for figure in before}
    lines = [
        f"{'':12}{'what':44}{'':>10} {'':7}{'against':26}{'':>10}{'ratio':>8}{'goal':>7}"
        + f"{'before':>8}" * bool(known)
    ]
    for figure in figures:
        goal = "" if figure.goal is None else f"{figure.goal:.2f}"
        line = (
            f"{figure.group:12}{figure.name:44}{figure.value:>10,.4g} {figure.unit:7}"
            f"{figure.against:26}{figure.base:>10,.4g}{figure.ratio:8.2f}{goal:>7}"
        )
        if known:
            old = known.get(figure.key)
            line += "       -" if old is None else f"{old.highest:8.2f}"
        lines.append(line + ("  missed" if figure.is_missed else ""))
    return "\n".join(lines)


def worse(figures: Iterable[Measured], before: Iterable[Measured]) -> dict[Measured, str]:
    """Return a sentence for each figure whose ratio has grown by more than the tolerance.

    Earlier ratios are the highest of the runs that were kept: what differs as much from run to run
    is not slower for it.
    """
    known = {figure.key: figure for figure in before}
    told = {}
    for figure in figures:
        old = known.get(figure.key)
        if old is not None and figure.ratio > old.highest * (1 if figure.is_count else TOLERANCE):
            told[figure] = (
                f"{figure.group}: {figure.name} costs {figure.ratio:.2f} × {figure.against}, "
                f"it was {old.highest:.2f} ×"
            )
    return told

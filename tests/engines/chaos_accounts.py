"""The accounts of chaos: what was lost, ran twice, or ended otherwise than it had to."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model

from liveops.models import LiveOperation, LogLine
from tests.engines.journal import Entry
from tests.engines.models import ResumingPlan
from tests.engines.site import Engines


@dataclass
class Report:
    """What came out.

    Attributes:
        held: rounds that met a worker in the midst of a stage.
        lost: operations that never came to an end.
        twice: pairs of bodies of one operation at work at the same time.
        lines_lost: log lines that were stored once and are gone, or numbers left out.
        wrong: operations that ended otherwise than their plan says.
    """

    seed: int
    rounds: int = 0
    kills: int = 0
    pauses: int = 0
    held: int = 0
    operations: int = 0
    lines: int = 0
    runs: int = 0
    lost: list[uuid.UUID] = field(default_factory=list)
    twice: list[tuple[Entry, Entry]] = field(default_factory=list)
    lines_lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether all is as promised."""
        return not (self.lost or self.twice or self.lines_lost or self.wrong)

    def __str__(self) -> str:
        met = f"{self.kills} kills, {self.pauses} pauses, {self.held} in the midst of a stage"
        found = [
            f"chaos: seed {self.seed}, {self.rounds} rounds in {self.seconds:.0f} s ({met})",
            f"{self.operations} operations in {self.runs} runs, {self.lines} log lines",
            f"operations lost: {len(self.lost)}",
            f"run twice at once: {len(self.twice)}",
            f"log lines lost after the last flush: {len(self.lines_lost)}",
            f"wrong final states: {len(self.wrong)}",
        ]
        for problems in (self.lost, self.twice, self.lines_lost, self.wrong):
            found += [f"  {problem}" for problem in problems[:10]]
        return "\n".join(found)


def stored_lines() -> list[tuple[uuid.UUID, int, str]]:
    """Return the log of all operations: operation, number and text."""
    return list(LogLine.objects.order_by("seq").values_list("operation", "seq", "text"))


class Accounts:
    """Compares what is stored with what had to come.

    Args:
        site: the site, at rest.
        report: where the findings go.
        expected: by operation, the states that it may have ended in.
        shown: by operation, the log lines that a reader was shown on the way.
    """

    def __init__(
        self,
        site: Engines,
        report: Report,
        expected: dict[uuid.UUID, set[str]],
        shown: dict[uuid.UUID, dict[int, str]],
    ) -> None:
        self.report = report
        self._site = site
        self._expected = expected
        self._shown = shown

    def make_up(self) -> None:
        """Fill in the report."""
        report, states = self.report, {}
        for operation in ResumingPlan.objects.all():
            state = states[operation.pk] = operation.get_state()
            was_asked_for = operation.pk in self._expected or operation.enqueued_on is not None
            ended = state not in ("NOT_STARTED", "STARTED")
            if was_asked_for and not ended:
                report.lost.append(operation.pk)
            expected = self._expected.get(operation.pk, {"FINISHED_OK"})
            if was_asked_for and ended and state not in expected:
                report.wrong.append(f"{operation.pk} is {state}, not {expected}")
            if state == "FINISHED_OK":
                self._check_end(operation)
        report.lost += [pk for pk in self._expected if pk not in states]
        report.operations = len(states)
        report.twice = self._site.journal.twice_at_once()
        entries = self._site.journal.entries()
        report.runs = len({entry.run for entry in entries if entry.run})
        report.held = self._held(entries)
        self._check_lines()

    def _check_end(self, operation: LiveOperation) -> None:
        """Check that what ended well did all of its work."""
        if set(operation.stage_states.values()) != {"done"}:
            self.report.wrong.append(f"{operation.pk} ended with {operation.stage_states}")
        names = get_user_model().objects.filter(username__contains=str(operation.pk))
        written = [name.split()[0] for name in names.values_list("username", flat=True)]
        plan: dict[str, Any] = getattr(operation, "plan")  # noqa: B009
        if "gone" in written or ("kept" in str(plan["Change"]) and "kept" not in written):
            self.report.wrong.append(f"{operation.pk} wrote {written}")

    @staticmethod
    def _held(entries: list[Entry]) -> int:
        """Return how many strikes met a body at work."""
        bodies: dict[int, int] = {}
        found = 0
        for entry in entries:
            if entry.what == "begin":
                bodies[entry.pid] = bodies.get(entry.pid, 0) + 1
            elif entry.what == "end":
                bodies[entry.pid] = bodies.get(entry.pid, 0) - 1
            else:
                found += bodies.get(entry.pid, 0) > 0
                if entry.what == "killed":
                    bodies[entry.pid] = 0
        return found

    def _check_lines(self) -> None:
        lines = stored_lines()
        stored: dict[uuid.UUID, dict[int, str]] = {}
        by_run: dict[str, list[int]] = {}
        for pk, number, text in lines:
            stored.setdefault(pk, {})[number] = text
            run, separator, own = text.partition(" ")
            if separator and own.isdigit():
                by_run.setdefault(run, []).append(int(own))
        lost = self.report.lines_lost
        for pk, shown in self._shown.items():
            lost += [
                f"{pk} {number} {text}"
                for number, text in shown.items()
                if stored.get(pk, {}).get(number) != text
            ]
        for pk, own_lines in stored.items():
            if sorted(own_lines) != list(range(1, len(own_lines) + 1)):
                lost.append(f"{pk} has gaps: {sorted(own_lines)}")
        for run, numbers in by_run.items():
            if numbers != list(range(1, len(numbers) + 1)):
                lost.append(f"run {run} has gaps: {numbers}")
        self.report.lines = len(lines)

"""How far a whole operation is, and how long it will still take. Pure.

The whole is the sum of its stages, each with the weight of its usual duration. Durations are
seconds, moments seconds since the epoch.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from liveops.progress.view import View
from liveops.stages import StageState, selects
from liveops.states import State

LONGEST = 99 * 86_400.0
"""What would take longer than this many seconds is not foretold."""

_NEARLY = 99.0  # per cent; the last one is the end of the run itself
_BY_TIME = 0.95  # the most that passing time alone makes of a stage
_LEAST_SECONDS, _LEAST_PERCENT = 2.0, 2.0
_QUICKEST_PACE, _SLOWEST_PACE, _PACES = 1.0, 30.0, 200.0
_UNDER_WAY = (StageState.ACTIVE, StageState.RETRYING)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is to be expected of a run, as of ``view.taken_at``.

    Attributes:
        percent: of the whole, 0 to 100, and 100 only after success; None where nothing is known.
        eta: seconds until the end of the run, or None.
        stage_percent: of the stage that runs, as its code reports it, or None.
        stage_eta: seconds until the end of that stage, or None.
        pace: seconds after which the percentage is another one although nothing was reported,
            because it follows the time; None if it does not.
    """

    percent: float | None
    eta: float | None = None
    stage_percent: float | None = None
    stage_eta: float | None = None
    pace: float | None = None


def forecast(
    stages: Sequence[str],
    view: View,
    began: float | None = None,
    left_out: Collection[str] = (),
) -> Forecast:
    """Return what is to be expected of a run.

    Args:
        stages: names of all stages, in their order; none for an operation without stages.
        view: what is shown of the run.
        began: when the run began; None if it did not.
        left_out: stages that are not to run: they count only where they have begun all the same.
    """
    if view.state == State.FINISHED_OK:
        return Forecast(100.0)
    running = view.state == State.STARTED
    own = _own_percent(view)
    result = _of_stages(stages, view, own, left_out) if stages else _of_one(view, own, began)
    percent = result.percent
    if percent is not None:
        percent = min(percent, _NEARLY)
    if not running or view.cancel_requested:
        return Forecast(percent, None, own)
    return Forecast(percent, result.eta, own, result.stage_eta, result.pace)


def not_selected(stages: Sequence[str], selection: Any) -> frozenset[str]:
    """Return the stages that a selection leaves out; none if it is no selection at all."""
    if selection is None or not isinstance(selection, Collection):
        return frozenset()
    return frozenset(name for name in stages if not selects(selection, name))


def seconds(value: Any) -> float | None:
    """Return a duration as a float, or None if it is none that can be."""
    known = _number(value)
    return known if known is not None and known <= LONGEST else None


def _of_one(view: View, own: float | None, began: float | None) -> Forecast:
    """Return the forecast for an operation without stages, whose one bar is the whole."""
    if view.state == State.NOT_STARTED:
        return Forecast(0.0)
    expected = seconds(view.expected.get(""))
    elapsed = _elapsed(began, view.taken_at)
    eta = _eta(view, own, elapsed, expected)
    if own is not None:
        return Forecast(own, eta, own, eta)
    share = _share_by_time(elapsed, expected)
    if expected is None or share is None or view.state != State.STARTED:
        return Forecast(_number(view.percent), eta, None, eta)
    pace = _pace(expected) if share < _BY_TIME else None
    return Forecast(100.0 * share, eta, None, eta, pace)


def _of_stages(
    stages: Sequence[str], view: View, own: float | None, left_out: Collection[str]
) -> Forecast:
    """Return the forecast for an operation with stages: each has the weight of its usual time."""
    current = stages[view.current_stage] if 0 <= view.current_stage < len(stages) else None
    steps = [
        _Step(name, view, is_current=name == current, own=own)
        for name in stages
        if name in view.stage_states or name not in left_out
    ]
    weights = _weights(steps)
    total = math.fsum(weights)
    passed = math.fsum(w * step.share for w, step in zip(weights, steps, strict=True))
    percent = max(100.0 * passed / total if total else 100.0, _number(view.reached) or 0.0)
    etas = [step.eta for step in steps if step.is_pending or step.is_under_way]
    known = [eta for eta in etas if eta is not None]
    eta = seconds(math.fsum(known)) if known and len(known) == len(etas) else None
    active = next((step for step in steps if step.is_current and step.is_under_way), None)
    if active is None:
        return Forecast(percent, eta)
    follows_time = active.own is None and active.expected is not None and active.share < _BY_TIME
    pace = _pace(total) if follows_time and active.state == StageState.ACTIVE else None
    return Forecast(percent, eta, own, active.eta, pace)


class _Step:
    """One stage as the forecast sees it."""

    def __init__(self, name: str, view: View, *, is_current: bool, own: float | None) -> None:
        self.state = view.stage_states.get(name)
        self.is_current = is_current
        self.is_pending = self.state is None
        self.is_under_way = self.state in _UNDER_WAY
        self.expected = seconds(view.expected.get(name))
        # What is reported belongs to the stage that was entered last.
        self.own = own if is_current else None
        self._view = view
        times = view.stage_times.get(name) or (None, None)
        self._elapsed = _elapsed(times[0], view.taken_at if times[1] is None else times[1])
        self._tried_again = name in view.stage_attempts

    @property
    def share(self) -> float:
        """How much of the stage is over, 0 to 1."""
        if self.is_pending:
            return 0.0
        if self.state in (StageState.DONE, StageState.SKIPPED):
            return 1.0
        if not (self.is_under_way or self.is_current):
            return 1.0  # it failed, and the run went on
        if self.own is not None:
            return self.own / 100.0
        return _share_by_time(self._elapsed, self.expected) or 0.0

    @property
    def eta(self) -> float | None:
        """Seconds until the end of a stage that has not ended, or None."""
        if self.is_pending:
            return self.expected
        if not self.is_current:
            return None  # another stage began inside this one
        # A percentage says nothing of the time that earlier attempts took.
        own = None if self._tried_again else self.own
        return _eta(self._view, own, self._elapsed, self.expected)


def _weights(steps: Sequence[_Step]) -> list[float]:
    known = [step.expected for step in steps if step.expected is not None]
    usual = median(known) if known else 1.0
    weights = [
        0.0
        if step.state == StageState.SKIPPED
        else usual
        if step.expected is None
        else step.expected
        for step in steps
    ]
    return weights if any(weights) else [1.0] * len(steps)


def _eta(
    view: View, own: float | None, elapsed: float | None, expected: float | None
) -> float | None:
    """Return the seconds left: by the rate, else by the percentage, else by earlier runs."""
    if own is None or own < 100.0:
        if (by_rate := view.eta) is not None:
            return seconds(by_rate)
        so_far = elapsed or 0.0
        if own is not None and own >= _LEAST_PERCENT and so_far >= _LEAST_SECONDS:
            return seconds(so_far * (100.0 - own) / own)
    if expected is None or elapsed is None or elapsed >= expected:
        return None
    return expected - elapsed


def _own_percent(view: View) -> float | None:
    """Return the percentage that user code reports; the 0 that a stage begins with is none."""
    percent = _number(view.percent)
    if percent is None or (percent == 0.0 and view.done is None):
        return None
    return min(percent, 100.0)


def _elapsed(began: Any, now: float) -> float | None:
    start, end = _number(began), _number(now)
    return None if start is None or end is None else seconds(max(end - start, 0.0))


def _share_by_time(elapsed: float | None, expected: float | None) -> float | None:
    if elapsed is None or expected is None:
        return None
    return min(elapsed / max(expected, 1e-3), _BY_TIME)


def _pace(expected: float) -> float:
    return min(max(expected / _PACES, _QUICKEST_PACE), _SLOWEST_PACE)


def _number(value: Any) -> float | None:
    """Return a finite number from 0 on as a float, or None: what was stored may be anything."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0.0 else None

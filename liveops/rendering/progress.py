"""The progress region: the bar of the whole, and below it that of the stage that runs."""

from typing import TYPE_CHECKING, Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from liveops import numbers
from liveops.progress.forecast import Forecast, forecast, not_selected
from liveops.progress.view import View
from liveops.rendering.clocks import Clocks, moment
from liveops.stages import StageState
from liveops.states import State

if TYPE_CHECKING:
    from liveops.models import LiveOperation


def progress_context(
    operation: "LiveOperation", view: View, now: float | None = None
) -> dict[str, Any]:
    """Return the values that ``liveops/_progress.html`` is given.

    ``bars`` holds up to two of them, the whole first. Each has ``label``, ``value`` (0 to 100 for
    machines; None for a bar without a known end), ``percent_label``, and in words ``counts``,
    ``rate``, ``elapsed``, ``left`` and ``took``; what there is nothing to say of is empty. It is
    drawn only if it ``has_bar``; ``is_whole`` tells the two apart.
    """
    told = forecast_of(operation, view)
    clocks = Clocks(view, now)
    if view.state == State.NOT_STARTED:
        bars = [_bar(told.percent or 0.0, percent_label="")]
    elif view.state == State.STARTED:
        bars = _running_bars(operation, view, told, clocks)
    else:
        bars = _last_bar(operation, view, told)
    return {"state": view.state, "bars": bars}


def forecast_of(operation: "LiveOperation", view: View) -> Forecast:
    """Return what is to be expected of an operation that is shown like this."""
    left_out = not_selected(operation.stages, operation.stages_to_run)
    return forecast(operation.stages, view, moment(operation.started_on), left_out)


def _bar(percent: float | None, **facts: Any) -> dict[str, Any]:
    return {
        "label": "",
        "value": None if percent is None else f"{percent:.2f}",
        "percent_label": numbers.percent(percent),
        "fallback": _("Progress"),
        "has_bar": True,
        "is_whole": True,
        **facts,
    }


def _running_bars(
    operation: "LiveOperation", view: View, told: Forecast, clocks: Clocks
) -> list[dict[str, Any]]:
    elapsed = clocks.since(moment(operation.started_on))
    elapsed = elapsed and format_html(_("{time} elapsed"), time=elapsed)
    if not operation.stages:
        percent = told.percent if told.stage_percent is None else told.stage_percent
        left = _left(told.eta, clocks) if percent is not None or told.eta is not None else ""
        return [_bar(percent, label=view.label, elapsed=elapsed, left=left, **_counted(view))]
    whole = _bar(told.percent, label=_("Overall"), elapsed=elapsed, left=_left(told.eta, clocks))
    part = _stage_bar(operation, view, told, clocks)
    return [whole] if part is None else [whole, {**part, "is_whole": False}]


def _stage_bar(
    operation: "LiveOperation", view: View, told: Forecast, clocks: Clocks
) -> dict[str, Any] | None:
    """Return the bar of the stage that runs, or only its clock if it has nothing to show."""
    index = view.current_stage
    name = operation.stages[index] if 0 <= index < len(operation.stages) else ""
    state = view.stage_states.get(name)
    if state == StageState.RETRYING:
        return _stage_clock(name, view, clocks)
    if state == StageState.ACTIVE:
        if told.stage_percent is None and view.done is None and view.percent is not None:
            return _stage_clock(name, view, clocks)
        left = _left(told.stage_eta, clocks)
        return _bar(view.percent, label=view.label or name, left=left, **_counted(view))
    # Before the first stage, and between two of them while something is on its way.
    under_way = 0.0 < (told.stage_percent or 0.0) < 100.0
    if under_way or (index < 0 and view.done is not None):
        return _bar(view.percent, label=view.label, **_counted(view))
    return None


def _stage_clock(name: str, view: View, clocks: Clocks) -> dict[str, Any]:
    began = (view.stage_times.get(name) or (None,))[0]
    return {"label": name, "elapsed": clocks.since(began), "has_bar": False}


def _left(eta: float | None, clocks: Clocks) -> SafeString:
    if eta is None:  # "– left" would say nothing, in the most prominent place
        return SafeString("")
    return format_html(_("{time} left"), time=clocks.until(eta))


def _counted(view: View) -> dict[str, str]:
    if view.done is None:
        return {}
    return {
        "counts": numbers.counts(view.done, view.total, view.unit),
        "rate": numbers.rate(view.rate, view.unit),
    }


def _last_bar(operation: "LiveOperation", view: View, told: Forecast) -> list[dict[str, Any]]:
    """Return the bar as it stood at the end, with the time that the run took."""
    began, ended = moment(operation.started_on), moment(operation.finished_on)
    if began is None:
        return []
    if _went_down(view):
        ended = None  # it was found dead later, and nobody knows when it stopped
    took = numbers.took(max(ended - began, 0.0)) if ended is not None else ""
    percent = told.percent
    if percent is None and not took:
        return []
    took = took and _("Took {time}").format(time=took)
    return [_bar(percent, took=took, has_bar=percent is not None)]


def _went_down(view: View) -> bool:
    """Return whether a stage went down with its run, which could not note its end."""
    return any(
        state == StageState.INTERRUPTED and (view.stage_times.get(name) or (None, None))[1] is None
        for name, state in view.stage_states.items()
    )

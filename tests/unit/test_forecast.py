"""How far a run is and how long it takes: by what is reported, and by what earlier runs took."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveops.progress.forecast import Forecast, forecast, not_selected
from liveops.progress.view import View

STAGES = ["Load", "Validate", "Save", "Notify"]
USUAL = {"Load": 10.0, "Validate": 30.0, "Save": 50.0, "Notify": 10.0, "": 105.0}
T0 = 1_800_000_000.0


def running(*states: str, **values: Any) -> View:
    """Return a run whose stages are in these states; the last of them is the current one."""
    times = {name: (T0, None) for name, _ in zip(STAGES, states, strict=False)}
    defaults: dict[str, Any] = {
        "state": "STARTED",
        "current_stage": len(states) - 1,
        "stage_states": dict(zip(STAGES, states, strict=False)),
        "stage_times": times,
        "percent": 0.0,
        "taken_at": T0,
    }
    return View(**{**defaults, **values})


def told(view: View, **more: Any) -> Forecast:
    return forecast(STAGES, view, T0, **more)


@pytest.mark.parametrize(
    ("states", "expected", "percent"),
    [
        ((), {}, 0),
        ((), USUAL, 0),
        (("active",), {}, 0),
        (("done",), {}, 25),
        (("done", "active"), {}, 25),
        (("done", "active"), USUAL, 10),
        (("done", "done", "active"), USUAL, 40),
        (("done", "done", "done", "active"), USUAL, 90),
        (("done", "done", "done", "done"), USUAL, 99),
        (("done", "skipped", "active"), {}, pytest.approx(100 / 3)),
        (("done", "skipped", "active"), USUAL, pytest.approx(1000 / 70)),
        (("skipped", "skipped", "skipped", "skipped"), USUAL, 99),
        (("done", "failed", "active"), USUAL, 40),
        (("done", "failed"), USUAL, 10),
        (("done", "active"), {"Load": 10.0, "Save": 50.0, "Notify": 20.0}, 10),
        (("done", "active"), dict.fromkeys(STAGES, 0.0), 25),
    ],
    ids=range(16),
)
def test_the_whole_is_the_sum_of_its_stages(
    states: tuple[str, ...], expected: dict[str, float], percent: float
) -> None:
    assert told(running(*states, expected=expected)).percent == percent


@pytest.mark.parametrize(
    ("values", "percent"),
    [
        ({"percent": 50.0}, 10 + 15),
        ({"percent": 50.0, "done": 5, "total": 10}, 10 + 15),
        ({"percent": 0.0, "done": 0, "total": 10, "taken_at": T0 + 15}, 10),
        ({"taken_at": T0 + 15}, 10 + 15),
        ({"percent": None, "done": 3, "taken_at": T0 + 15}, 10 + 15),
        ({"taken_at": T0 + 3_000}, 10 + 0.95 * 30),
        ({"taken_at": T0 - 3_000}, 10),
        ({"taken_at": T0 + 15, "reached": 60.0}, 60),
    ],
    ids=range(8),
)
def test_the_stage_that_runs_counts_as_far_as_it_is(values: dict[str, Any], percent: float) -> None:
    found = told(running("done", "active", expected=USUAL, **values))
    assert found.percent == pytest.approx(percent)


def test_a_stage_in_which_another_one_runs_counts_by_its_time() -> None:
    view = running("active", "active", percent=50.0, taken_at=T0 + 5, expected=USUAL)
    found = told(view)
    assert found.percent == pytest.approx(5 + 15)
    assert found.eta is None, "nobody knows how much of the one is the other"


@pytest.mark.parametrize(
    ("values", "eta"),
    [
        ({}, None),
        ({"percent": 40.0, "done": 4, "total": 10, "rate": 2.0}, 3.0),
        ({"percent": 40.0, "done": 4, "total": 10, "rate": 2.0, "expected": USUAL}, 3.0),
        ({"percent": 25.0, "taken_at": T0 + 10}, 30.0),
        ({"percent": 25.0, "taken_at": T0 + 1.9}, None),
        ({"percent": 1.9, "taken_at": T0 + 10}, None),
        ({"percent": 100.0, "taken_at": T0 + 10}, None),
        ({"percent": 25.0, "taken_at": T0 + 1.9, "expected": USUAL}, 28.1),
        ({"taken_at": T0 + 10, "expected": USUAL}, 20.0),
        ({"taken_at": T0 + 30, "expected": USUAL}, None),
        ({"percent": 25.0, "taken_at": T0 + 10, "stage_attempts": {"Validate": [2, 4]}}, None),
        ({"percent": 1.0, "done": 1, "total": 10**9, "rate": 5.0}, None),
        ({"percent": 25.0, "taken_at": T0 + 10, "cancel_requested": True}, None),
    ],
    ids=range(13),
)
def test_the_stage_ends_by_rate_or_percentage_or_history(
    values: dict[str, Any], eta: float | None
) -> None:
    assert told(running("done", "active", **values)).stage_eta == pytest.approx(eta)


def test_the_whole_ends_when_all_its_parts_do() -> None:
    view = running("done", "active", percent=40.0, done=4, total=10, rate=2.0, expected=USUAL)
    assert told(view).eta == pytest.approx(3 + 50 + 10)
    assert told(view, left_out={"Save"}).eta == pytest.approx(3 + 10)
    assert told(view, left_out={"Load", "Save"}).percent == pytest.approx(100 * 22 / 50)
    known = {name: seconds for name, seconds in USUAL.items() if name != "Notify"}
    assert told(replace(view, expected=known)).eta is None, "a part is unknown"
    overdue = running("done", "active", taken_at=T0 + 40, expected=USUAL)
    assert told(overdue).eta is None
    assert told(running("done", "done", expected=USUAL)).eta == 60, "between two stages"
    assert told(running("done", "done", "done", "done", expected=USUAL)).eta is None


def test_without_stages_the_one_bar_is_the_whole() -> None:
    view = View(state="STARTED", taken_at=T0 + 21.0)
    assert forecast([], view, T0) == Forecast(None)
    counting = replace(view, percent=40.0, done=4, total=10, rate=2.0)
    assert forecast([], counting, T0) == Forecast(40.0, 3.0, 40.0, 3.0)
    usual = forecast([], replace(view, expected=USUAL), T0)
    assert usual == Forecast(20.0, 84.0, None, 84.0, pace=1.0)
    assert forecast([], replace(view, expected=USUAL), None).percent is None
    assert forecast([], View(), None) == Forecast(0.0)


@pytest.mark.parametrize(
    ("expected", "pace"), [(10.0, 1.0), (400.0, 2.0), (100_000.0, 30.0), (0.0, 1.0)]
)
def test_the_percentage_moves_with_the_time_in_steps_that_fit(expected: float, pace: float) -> None:
    view = View(state="STARTED", taken_at=T0, stage_states={"A": "active"}, current_stage=0)
    view = replace(view, percent=0.0, expected={"A": expected}, stage_times={"A": [T0, None]})
    assert forecast(["A"], view, T0).pace == pace
    assert forecast(["A"], replace(view, percent=5.0), T0).pace is None, "its code tells"
    assert forecast(["A"], replace(view, taken_at=T0 + 1e6), T0).pace is None, "as far as it goes"
    assert forecast(["A"], replace(view, state="CANCELLED"), T0).pace is None


@pytest.mark.parametrize(
    ("selection", "left_out"),
    [
        (None, set()),
        (["load"], {"Validate", "Save", "Notify"}),
        ([], set(STAGES)),
        (7, set()),
        ("Save", {"Load", "Validate", "Notify"}),
    ],
)
def test_stages_that_are_not_selected_are_left_out(selection: Any, left_out: set[str]) -> None:
    assert not_selected(STAGES, selection) == left_out


anything = (
    st.none()
    | st.floats()
    | st.floats(0, 1000)
    | st.integers()
    | st.just(10**400)
    | st.text(max_size=2)
    | st.booleans()
)
states = st.sampled_from(
    ["active", "done", "failed", "cancelled", "skipped", "retrying", "interrupted", "else"]
)
names = st.sampled_from(STAGES)
views = st.builds(
    View,
    state=st.sampled_from(
        ["NOT_STARTED", "STARTED", "FINISHED_OK", "FINISHED_ERROR", "CANCELLED", "INTERRUPTED"]
    ),
    percent=st.none() | st.floats(0, 100) | st.floats(),
    done=st.none() | st.integers(0, 2**63),
    total=st.none() | st.integers(0, 2**63),
    rate=st.none() | st.floats(),
    current_stage=st.integers(-2, 6),
    stage_states=st.dictionaries(names, states),
    stage_attempts=st.dictionaries(names, st.just([2, 4])),
    taken_at=st.floats() | st.floats(0, 1e6),
    stage_times=st.dictionaries(names, st.tuples(anything, anything)),
    expected=st.dictionaries(names | st.just(""), anything),
    reached=anything,
    cancel_requested=st.booleans(),
)


@given(st.lists(names, unique=True), views, anything, st.sets(names))
def test_whatever_is_stored_nothing_absurd_is_foretold(
    stages: list[str], view: View, began: Any, left_out: set[str]
) -> None:
    found = forecast(stages, view, began, left_out)
    assert found.percent is None or 0 <= found.percent <= 100
    assert (found.percent == 100) == (view.state == "FINISHED_OK")
    assert found.stage_percent is None or 0 <= found.stage_percent <= 100
    assert stages == [] or found.percent is not None
    for seconds in (found.eta, found.stage_eta):
        assert seconds is None or (math.isfinite(seconds) and 0 <= seconds <= 99 * 86_400)
        assert seconds is None or view.state == "STARTED"
    assert found.pace is None or (1 <= found.pace <= 30 and view.state == "STARTED")


durations = st.floats(0, 10_000)


@given(
    st.dictionaries(names, durations),
    st.lists(st.tuples(durations, st.sampled_from(["done", "skipped", "failed"])), max_size=4),
    st.none() | st.floats(0, 100),
)
def test_the_whole_only_grows_as_stages_complete(
    expected: dict[str, float], walk: list[tuple[float, str]], reported: float | None
) -> None:
    """Also where a stage was quicker than usual, or slower, or failed and the run went on."""
    now, view, shown = T0, running(expected=expected), [0.0]

    def show(**values: Any) -> None:
        nonlocal view
        view = replace(view, **values, taken_at=now)
        percent = told(view).percent
        assert percent is not None
        shown.append(percent)
        view = replace(view, reached=percent)

    for index, (seconds, outcome) in enumerate(walk):
        name = STAGES[index]
        before = view.stage_states
        times = {**view.stage_times, name: (now, None)}
        show(current_stage=index, stage_states={**before, name: "active"}, stage_times=times)
        now += seconds
        show(percent=reported)
        times = {**view.stage_times, name: (times[name][0], now)}
        show(stage_states={**before, name: outcome}, stage_times=times)
        show(percent=0.0)
    assert shown == sorted(shown)


@given(st.dictionaries(names, durations), st.floats(0, 100), durations)
def test_a_stage_that_is_done_never_counts_less_than_while_it_ran(
    expected: dict[str, float], percent: float, elapsed: float
) -> None:
    """Without any memory of what was shown before."""
    view = running("done", "active", percent=percent, taken_at=T0 + elapsed, expected=expected)
    ended = replace(view, stage_states={"Load": "done", "Validate": "done"})
    before, after = told(view).percent, told(ended).percent
    assert before is not None
    assert after is not None
    assert after >= before - 1e-9

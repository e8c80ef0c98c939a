"""When each stage began and ended, as it is shown, as it is saved, and on a page opened later."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import pytest

from liveops import rendering, snapshot, store
from liveops.exceptions import OperationError
from liveops.models import LiveProgress
from liveops.progress import Progress
from liveops.progress.forecast import forecast
from liveops.progress.pumps import InlinePump
from liveops.progress.update import Region, Update
from liveops.runners.executor import execute
from liveops.sinks.recording import RecordingSink
from liveops.stages import RetryStage
from tests.integration.helpers import run_scripted
from tests.testapp.models import Flaky, Scripted, Walk

pytestmark = pytest.mark.django_db

Times = Mapping[str, Sequence[float]]
"""Of stages that have all ended."""


@pytest.fixture(autouse=True)
def ticking(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A second passes between any two looks at the clock of the page."""
    seconds = count(1_800_000_000)
    with monkeypatch.context() as patch:
        patch.setattr("liveops.progress.screen.Screen.now", lambda self: float(next(seconds)))
        yield


def run(body: Any) -> tuple[Any, list[Update], Times]:
    """Run a body; return the operation, the updates and the times as they are stored."""
    operation, shown = run_scripted(body)
    stored = LiveProgress.objects.get(pk=operation.pk)
    last = shown.updates[-1].view
    assert {name: list(span) for name, span in last.stage_times.items()} == stored.stage_times
    assert last.taken_at == stored.taken_at
    assert last.reached == stored.reached
    return operation, shown.updates, stored.stage_times


def test_a_stage_has_its_times_from_the_boundaries_on() -> None:
    def body(op: Scripted, p: Progress) -> None:
        for name in ("Load", "Validate"):
            with p.stage(name):
                p.percent(50)

    _, updates, times = run(body)
    assert list(times) == ["Load", "Validate"]
    (a, b), (c, d) = times["Load"], times["Validate"]
    assert a < b < c < d
    with_stages = [u for u in updates if u.stage is not None]
    walk = [
        {name: span[1] is None for name, span in u.view.stage_times.items()} for u in with_stages
    ]
    assert walk == [
        {"Load": True},
        {"Load": False},
        {"Load": False, "Validate": True},
        {"Load": False, "Validate": False},
    ]
    assert all({Region.STAGES, Region.PROGRESS} <= u.regions for u in with_stages)


def test_attempts_do_not_begin_the_time_anew() -> None:
    def body(op: Scripted, p: Progress) -> None:
        for attempt in p.attempts("Load", retry_attempts=2):
            with attempt:
                if attempt.number < 3:
                    raise RetryStage("not yet")

    _, updates, times = run(body)
    began = {u.view.stage_times["Load"][0] for u in updates if "Load" in u.view.stage_times}
    assert began == {times["Load"][0]}
    walk = [u.view.stage_times["Load"][1] is None for u in updates if u.stage is not None]
    assert walk == [True, True, True, True, True, False]


def test_the_status_is_shown_anew_when_a_wait_begins_and_ends() -> None:
    def body(op: Scripted, p: Progress) -> None:
        p.status("Loading")
        for attempt in p.attempts("Load", retry_attempts=1):
            with attempt:
                if attempt.number < 2:
                    raise RetryStage("not yet")

    _, updates, _ = run(body)
    staged = [(str(u.stage.state), Region.STATUS in u.regions) for u in updates if u.stage]
    assert staged == [("active", False), ("retrying", True), ("active", True), ("done", False)]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_stage_that_did_not_end_well_has_ended_all_the_same(
    error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            raise error

    if error is KeyboardInterrupt:
        with pytest.raises(KeyboardInterrupt):
            run(body)
        times = LiveProgress.objects.get().stage_times
    else:
        times = run(body)[2]
    began, ended = times["Load"]
    assert ended > began


def test_a_skipped_stage_has_no_times() -> None:
    def body(op: Scripted, p: Progress) -> None:
        op.stages_to_run = ["Save"]
        for attempt in p.attempts("Load"):
            with attempt:
                pass
        with p.stage("Save"):
            pass

    operation, _, times = run(body)
    assert operation.stage_states == {"Load": "skipped", "Save": "done"}
    assert list(times) == ["Save"]


def test_a_stage_that_is_not_listed_has_no_times() -> None:
    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Elsewhere"):
            pass

    assert run(body)[2] == {}


def test_a_restart_begins_with_none() -> None:
    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            p.percent(40)

    operation, _, times = run(body)
    assert times
    store.restart(operation)
    stored = LiveProgress.objects.get(pk=operation.pk)
    assert (stored.stage_times, stored.expected, stored.reached) == ({}, {}, 0.0)


def test_the_bar_of_the_whole_never_goes_back() -> None:
    def body(op: Scripted, p: Progress) -> None:
        with p.stage("Load"):
            for number in p.track(range(4)):
                p.log(number)
            p.percent(10)
        with p.stage("Validate"):
            p.percent(80)
            p.percent(20)
        for attempt in p.attempts("Save", retry_attempts=1):
            with attempt:
                p.percent(90)
                if attempt.number < 2:
                    raise RetryStage("once more")

    operation, updates, _ = run(body)
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    shown = [forecast(Scripted.stages, u.view).percent for u in updates]
    assert shown == sorted(shown, key=lambda percent: percent or 0.0)
    assert (shown[0], shown[-1]) == (0.0, 100.0)
    assert [percent for percent in shown if percent == 100.0] == [100.0]


def test_a_page_that_is_opened_shows_what_the_others_see() -> None:
    """In the middle of a run, from memory; and after it, from the database."""
    seen: list[tuple[str, str]] = []

    def both(op: Any, view: Any) -> str:
        regions = (Region.PROGRESS, Region.STAGES, Region.STATUS)
        return "".join(rendering.region_html(region, op, view) for region in regions)

    class Opener:
        def emit(self, update: Update) -> None:
            found = snapshot.find(update.operation.pk)
            assert found is not None
            taken = snapshot.take(found)
            seen.append((both(update.operation, update.view), both(taken.operation, taken.view)))

        def close(self) -> None:
            """Nothing to release."""

    def body(op: Walk, p: Progress) -> None:
        for name in op.stages:
            with p.stage(name):
                for _ in p.track(range(3), label=name):
                    p.status(f"In {name}")

    run_scripted(body, sinks=[Opener()])
    assert len(seen) >= 8
    for shown, opened in seen:
        assert opened == shown


def test_a_resume_keeps_the_times_of_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    fails = [True, False]

    def wait_for(op: Flaky, step: str) -> str:
        if step == "publish" and fails.pop(0):
            raise OperationError("The site is away.")
        return ""

    monkeypatch.setattr(Flaky, "wait_for", wait_for)
    operation = Flaky.objects.create()
    execute(operation, pump=InlinePump(), web=False)
    before = LiveProgress.objects.get().stage_times
    done = ("Build", "Migrate", "Notify")
    assert {*before} == {*done, "Publish"}  # PostgreSQL keeps no order of them
    store.resume(Flaky.objects.get())
    recorder = RecordingSink()
    execute(Flaky.objects.get(), pump=InlinePump(), sinks=[recorder], web=False)
    assert Flaky.objects.get().get_state() == "FINISHED_OK"
    after = LiveProgress.objects.get().stage_times
    assert [after[name] for name in done] == [before[name] for name in done]
    assert after["Publish"][0] > before["Publish"][1]
    shown = [forecast(Flaky.stages, u.view).percent for u in recorder.updates]
    assert (shown[0], shown[-1]) == (75.0, 100.0), "it goes on where it stood"

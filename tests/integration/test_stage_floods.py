"""Very many stages in a very short time: all are saved, the terminal names all, pages see the last.

Each boundary is shown in a frame of its own, until there are too many of them.
"""

import io
import threading
from collections.abc import Callable
from itertools import count

import pytest
from django.db.models.signals import post_save, pre_save

from liveops.models import StageRun
from liveops.progress import Progress
from liveops.progress.pumps import InlinePump, Pump, threaded_pump
from liveops.progress.serving import ServedRun
from liveops.progress.update import Region, Update
from liveops.sinks.recording import RecordingSink
from liveops.sinks.text import TextSink
from tests.integration.helpers import run_scripted
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db(transaction=True)

PUMPS = pytest.mark.parametrize("pump", [InlinePump, threaded_pump], ids=["inline", "threaded"])


class Page(RecordingSink):
    """What a page is shown, which takes its time."""

    may_wait = True


@PUMPS
def test_each_of_a_few_stages_is_shown_as_it_begins_and_as_it_ends(pump: type[Pump]) -> None:
    def body(op: Scripted, p: Progress) -> None:
        for name in op.stages:
            with p.stage(name):
                pass

    page = Page()
    run_scripted(body, pump=pump(), sinks=[page])
    changes = [update.stage for update in page.updates if update.stage is not None]
    names = [name for name in Scripted.stages for _ in range(2)]
    assert [(change.name, change.state) for change in changes] == list(
        zip(names, ["active", "done"] * len(Scripted.stages), strict=True)
    )
    shown = [update for update in page.updates if update.stage is not None]
    for update, change in zip(shown, changes, strict=True):
        assert Region.STAGES in update.regions
        assert update.view.stage_states[change.name] == change.state
    numbers = [update.seq for update in page.updates]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_without_a_pump_s_thread_each_boundary_is_shown_however_many_there_are() -> None:
    seen: list[dict[str, str]] = []
    page = Page()

    def body(op: Scripted, p: Progress) -> None:
        for _ in range(100):
            with p.stage("Load"):
                pass
        with p.stage("Save"):
            seen.append(dict(page.updates[-1].view.stage_states))

    run_scripted(body, pump=InlinePump(), sinks=[page])
    assert seen == [{"Load": "done", "Save": "active"}]


def test_a_frame_that_takes_long_is_waited_for_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(Page):
        def emit(self, update: Update) -> None:
            super().emit(update)
            threading.Event().wait(0.05)

    page, served = Slow(), [0]
    serve = ServedRun.serve

    def counting(self: ServedRun, now: float) -> None:
        served[0] += 1
        serve(self, now)

    monkeypatch.setattr(ServedRun, "serve", counting)

    def body(op: Scripted, p: Progress) -> None:
        for _ in p.track(count()):
            if len(page.updates) >= 5:
                break

    operation, _ = run_scripted(body, pump=threaded_pump(), sinks=[page])
    assert operation.get_state() == "FINISHED_OK"
    assert served[0] < 100, "the pump has a rest, it does not look again and again"


@PUMPS
def test_a_flood_of_stages_is_saved_as_a_whole_and_shown_in_few_frames(pump: type[Pump]) -> None:
    passages = 400

    def body(op: Scripted, p: Progress) -> None:
        for _ in range(passages):
            with p.stage("Load"):
                p.percent(40)
        with p.stage("Save"):
            pass

    page, terminal = Page(), io.StringIO()
    operation, _ = run_scripted(body, pump=pump(), sinks=[page, TextSink(terminal)])
    assert operation.get_state() == "FINISHED_OK"
    assert StageRun.objects.filter(operation=operation.pk, outcome="done").count() == passages + 1
    assert operation.stage_states == {"Load": "done", "Save": "done"}
    lines = terminal.getvalue().splitlines()
    assert lines.count("=== [1/3] Load ===") == passages
    assert lines.count("=== [3/3] Save ===") == 1
    if pump is not InlinePump:
        assert len(page.updates) < passages, "of two boundaries and a percentage each"
    numbers = [update.seq for update in page.updates]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert page.updates[-1].view.stage_states == {"Load": "done", "Save": "done"}


@PUMPS
def test_in_a_flood_the_terminal_has_lines_below_their_own_header(pump: type[Pump]) -> None:
    def body(op: Scripted, p: Progress) -> None:
        for number in range(60):
            with p.stage("Load"):
                p.log(f"line {number}")

    terminal = io.StringIO()
    run_scripted(body, pump=pump(), sinks=[TextSink(terminal)])
    shown = [line for line in terminal.getvalue().splitlines() if line.startswith(("===", "line"))]
    assert shown == [
        text for number in range(60) for text in ("=== [1/3] Load ===", f"line {number}")
    ]


def test_receivers_hear_of_each_boundary_as_of_any_save() -> None:
    heard: list[tuple[str, object, object]] = []

    def note(name: str) -> Callable[..., None]:
        def receive(sender: type, instance: Scripted, update_fields: object, **_: object) -> None:
            heard.append((name, update_fields, dict(instance.stage_states)))

        return receive

    before, after = note("before"), note("after")

    def body(op: Scripted, p: Progress) -> None:
        pre_save.connect(before, sender=Scripted)
        post_save.connect(after, sender=Scripted)
        with p.stage("Load"):
            pass
        pre_save.disconnect(before, sender=Scripted)
        post_save.disconnect(after, sender=Scripted)

    run_scripted(body)
    fields = frozenset({"current_stage", "stage_states"})
    assert heard == [
        (name, fields, {"Load": state})
        for state in ("active", "done")
        for name in ("before", "after")
    ]


@pytest.mark.parametrize("name", ["save_base", "_save_table", "_do_update"])
def test_a_library_that_takes_part_in_saving_is_not_passed_by(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    original = getattr(Scripted, name)

    def tracking(self: Scripted, *args: object, **kwargs: object) -> object:
        seen.append(self.stage_states["Load"])
        return original(self, *args, **kwargs)

    def body(op: Scripted, p: Progress) -> None:
        monkeypatch.setattr(Scripted, name, tracking)
        with p.stage("Load"):
            pass
        monkeypatch.undo()

    operation, _ = run_scripted(body)
    assert list(dict.fromkeys(seen)) == ["active", "done"]
    assert operation.stage_states == {"Load": "done"}

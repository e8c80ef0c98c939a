"""``liveops_watch``: what it makes of the rows that it finds, look by look."""

import errno
import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from liveops import store
from liveops.models import LiveOperation, LiveProgress, LogLine, StageRun
from liveops.terminal.looks import Source
from liveops.terminal.pace import Pace
from tests.integration.reaping import started
from tests.integration.resuming import Voyage
from tests.testapp.models import Walk

pytestmark = pytest.mark.django_db(transaction=True)

Event = Callable[[LiveOperation], object]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """Return a list of what happens between two looks; nobody waits."""
    events: list[Event] = []
    watched: list[LiveOperation] = []
    original = Source.__init__

    def note(source: Source, operation: LiveOperation) -> None:
        original(source, operation)
        watched.append(operation)

    def happen(pace: Pace, most: float | None = None) -> None:
        assert events, "it waits, and nothing is going to happen"
        events.pop(0)(watched[-1])

    monkeypatch.setattr(Source, "__init__", note)
    monkeypatch.setattr(Pace, "wait", happen)
    monkeypatch.setattr(Pace, "wait_for_database", happen)
    return events


def watch(operation: LiveOperation, *options: str, status: int = 0) -> list[str]:
    """Watch an operation to its end; return what was printed."""
    printed = io.StringIO()
    code: Any = 0
    try:
        call_command("liveops_watch", str(operation.pk), *options, stdout=printed)
    except SystemExit as leaving:
        code = leaving.code
    assert code == status, printed.getvalue()
    return printed.getvalue().split("\n\n───")[0].splitlines()


def log(operation: LiveOperation, *texts: str, stage: str = "", later: float = 0.0) -> None:
    """Store log lines."""
    last = LogLine.objects.filter(operation=operation.pk).count()
    time = timezone.now() + timedelta(seconds=later)
    for number, text in enumerate(texts, last + 1):
        LogLine.objects.create(
            operation_id=operation.pk, seq=number, time=time, level="info", stage=stage, text=text
        )
    progress, _ = LiveProgress.objects.get_or_create(pk=operation.pk)
    LiveProgress.objects.filter(pk=progress.pk).update(log_seq=last + len(texts))


def change(operation: LiveOperation, **values: Any) -> None:
    LiveOperation.objects.filter(pk=operation.pk).update(**values)


def end(operation: LiveOperation, **values: Any) -> None:
    change(operation, **{"finished_on": timezone.now(), "finished_successfully": True, **values})


def test_stages_and_lines_come_in_order_though_several_passed_between_two_looks(
    script: list[Event],
) -> None:
    operation = started(Pack="active")
    log(operation, "one", stage="Pack")

    def much(_: LiveOperation) -> None:
        log(operation, "two", stage="Pack")
        log(operation, "three", stage="Unpack")
        change(operation, stage_states={"Pack": "done", "Sail": "skipped", "Unpack": "failed"})
        log(operation, "after all")

    script += [much, lambda _: end(operation, finished_successfully=False)]
    assert watch(operation, status=1) == [
        "=== [1/3] Pack ===",
        "one",
        "two",
        "=== [2/3] Sail ===",
        "=== [3/3] Unpack ===",
        "three",
        "--- Unpack: failed after < 0.1 s ---",
        "after all",
        "Failed: ",
    ]


def test_a_look_at_nothing_new_is_one_query(script: list[Event]) -> None:
    operation = started(Pack="active")
    log(operation, "one", stage="Pack")
    captured = CaptureQueriesContext(connection)
    script += [
        lambda _: captured.__enter__(),
        lambda _: captured.__exit__(None, None, None),
        lambda _: end(operation),
    ]
    watch(operation)
    assert len(captured) == 1


def test_an_attempt_begins_after_the_line_that_announces_it(script: list[Event]) -> None:
    operation = started(Sail="active")
    run_id, now = operation.run_id, timezone.now()
    LiveProgress.objects.get_or_create(pk=operation.pk)
    log(operation, "first", stage="Sail", later=-10)

    def tried_again(_: LiveOperation) -> None:
        times = {"started_on": now, "finished_on": now}
        attempt = StageRun(operation=operation, run_id=run_id, stage="Sail", **times)
        attempt.save()
        log(operation, "Trying again", "second", stage="Sail", later=5)
        LiveProgress.objects.filter(pk=operation.pk).update(stage_attempts={"Sail": [2, 3]})

    script += [tried_again, lambda _: end(operation, stage_states={"Sail": "done"})]
    assert watch(operation) == [
        "=== [2/3] Sail ===",
        "first",
        "Trying again",
        "--- Sail: attempt 2 of 3 ---",
        "second",
    ]


def test_a_gap_is_told(script: list[Event]) -> None:
    operation = started()
    log(operation, "one")

    def lose(_: LiveOperation) -> None:
        log(operation, "two", "three", "four")
        LogLine.objects.filter(text="three").delete()

    script += [lose, lambda _: end(operation)]
    assert watch(operation) == [
        "one",
        "=== [1/3] Pack ===",
        "two",
        "debug: … 1 line came too fast to be shown",
        "four",
    ]


def test_a_database_that_is_away_is_waited_for_and_told_of_once(
    script: list[Event], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    operation = started(Pack="active")
    look = Source.look

    def away(source: Source) -> Any:
        raise OperationalError("server closed the connection")

    script += [
        lambda _: monkeypatch.setattr(Source, "look", away),
        lambda _: None,
        lambda _: monkeypatch.setattr(Source, "look", look),
        lambda _: log(operation, "still here", stage="Pack"),
        lambda _: end(operation),
    ]
    assert watch(operation) == ["=== [1/3] Pack ===", "still here"]
    away_text, back_text = capsys.readouterr().err.splitlines()
    assert away_text == (
        "The database cannot be reached (OperationalError: server closed the connection); "
        "going on when it is back."
    )
    assert back_text == "The database is back."


def test_one_that_is_deleted_is_an_error(script: list[Event]) -> None:
    operation = started()
    script.append(lambda _: LiveOperation.objects.all().delete())
    with pytest.raises(CommandError, match="was deleted"):
        watch(operation)


def test_one_that_is_deleted_with_its_end_is_an_error(
    script: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = started()
    script.append(lambda _: end(operation))
    original = Source.following

    def following(source: Source) -> LiveOperation | None:
        LiveOperation.objects.all().delete()
        return original(source)

    monkeypatch.setattr(Source, "following", following)
    with pytest.raises(CommandError, match="was deleted"):
        watch(operation)


@pytest.mark.parametrize("options", [[], ["--no-chain"]])
def test_a_next_one_without_a_class_is_told_of(options: list[str]) -> None:
    operation, following = started(), Voyage.objects.create()
    change(following, operation_type="gone.Gone")
    end(operation, next_operation=following.pk)
    *_, last = watch(operation, *options)
    assert last.startswith("It went on with another operation. Operation ")
    assert "is of type 'gone.Gone', which this project does not have" in last


class Full(io.StringIO):
    """A file on a disk that is full."""

    def flush(self) -> None:
        """Fail."""
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("command", ["liveops_watch", "liveops_list"])
def test_an_output_that_cannot_be_written_is_told_of(command: str) -> None:
    operation = started()
    end(operation)
    arguments = [str(operation.pk)] if command == "liveops_watch" else []
    with pytest.raises(CommandError, match="No space left on device"):
        call_command(command, *arguments, stdout=Full())


@pytest.mark.parametrize("command", ["liveops_watch", "liveops_list"])
def test_a_closed_output_is_told_of(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    operation = started()
    monkeypatch.setattr("sys.stdout", None)
    arguments = [str(operation.pk)] if command == "liveops_watch" else []
    with pytest.raises(CommandError, match="There is no standard output"):
        call_command(command, *arguments)


@pytest.mark.parametrize("options", [(), ("--restart",)])
def test_without_an_output_nothing_is_changed(options: Any, monkeypatch: Any) -> None:
    operation = started()
    end(operation, finished_successfully=False)
    monkeypatch.setattr("sys.stdout", None)
    before = LiveOperation.objects.values().get()
    with pytest.raises(CommandError, match="There is no standard output"):
        call_command("liveops_resume", str(operation.pk), *options)
    with pytest.raises(CommandError, match="There is no standard output"):
        call_command("run_liveop", "testapp.Walk")
    assert LiveOperation.objects.values().get() == before


def test_one_that_is_to_be_resumed_by_itself_is_waited_for(script: list[Event]) -> None:
    operation = started(Sail="active")
    change(operation, resumes_left=1)
    ended = {"finished_successfully": False, "interrupted": True}

    def interrupt(_: LiveOperation) -> None:
        end(operation, stage_states={"Sail": "interrupted"}, **ended)

    def resume(_: LiveOperation) -> None:
        store.resume(operation, unasked=True)

    def go_on(_: LiveOperation) -> None:
        assert store.claim(operation) is not None
        log(operation, "sailing", stage="Sail")
        change(operation, stage_states={"Sail": "done"})

    script += [interrupt, resume, go_on, lambda _: end(operation)]
    assert watch(operation) == [
        "=== [2/3] Sail ===",
        "--- Sail: interrupted after < 0.1 s ---",
        "Interrupted; it is going to be resumed by itself.",
        "=== [2/3] Sail ===",
        "sailing",
    ]


def test_one_that_waits_is_waited_for(script: list[Event]) -> None:
    operation = Walk.objects.create()
    script += [lambda _: None, lambda _: change(operation, cancelled=True)]
    assert watch(operation, status=130) == ["Cancelled."]


def test_who_is_nearly_named_is_named() -> None:
    operation = Voyage.objects.create()
    wrong = operation.pk.hex[:7] + ("0" if operation.pk.hex[7] != "0" else "1")
    with pytest.raises(CommandError) as refused:
        call_command("liveops_watch", wrong)
    assert str(refused.value).splitlines() == [
        f"There is no operation {wrong!r}. Did you mean:",
        f"  {operation.pk}  testapp.Voyage  NOT_STARTED",
    ]


@pytest.mark.parametrize("number", ["-1", "x", "1" * 10])
def test_a_tail_that_is_none_is_refused(number: str) -> None:
    with pytest.raises(CommandError, match="whole number"):
        call_command("liveops_watch", "0" * 8, f"--tail={number}")


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    yield
    LiveOperation.objects.all().delete()

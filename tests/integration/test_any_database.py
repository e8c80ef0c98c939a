"""What a claimed run asks of every database, and one of them might do otherwise."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone

from liveops import lock_waits, store
from liveops.models import LiveOperation, LogLine
from liveops.progress.view import Line
from liveops.states import State
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db(transaction=True)


def claimed() -> Scripted:
    operation = Scripted.objects.create()
    assert store.claim(operation) is not None
    return operation


def test_a_write_that_changes_nothing_is_not_taken_for_a_lost_run() -> None:
    operation = claimed()
    for _ in range(2):  # MySQL would say of the second that no row was changed
        store.save_stages(operation, 0, {"Load": "active"})
        store.save_rows(operation, {"percent": 10.0}, keep_lines=10)
    again = LiveOperation.objects.filter(pk=operation.pk, state=State.STARTED)
    assert again.update(current_stage=0) == 1


def test_times_are_kept_to_the_microsecond() -> None:
    moment = timezone.now().replace(microsecond=123_457)
    operation = Scripted.objects.create()
    same = LiveOperation.objects.filter(pk=operation.pk)
    same.update(started_on=moment)
    assert same.get().started_on == moment
    assert not same.filter(started_on__lt=moment).exists()
    assert same.filter(started_on__lt=moment + timedelta(microseconds=1)).exists()


def test_texts_and_values_of_every_script_are_kept() -> None:
    text = "saved 🚀 żółw \u2028 '\"\\% \x7f"
    operation = claimed()
    line = Line(1, timezone.now(), "info", "🚀", text)
    store.save_rows(operation, {"status_text": text}, [line], keep_lines=10)
    LiveOperation.objects.filter(pk=operation.pk).update(result_context={"🚀": [text, None, 1.5]})
    kept = LiveOperation.objects.get(pk=operation.pk)
    assert kept.result_context == {"🚀": [text, None, 1.5]}
    assert kept.live_progress.status_text == text
    assert LogLine.objects.get(operation=operation.pk).text == text


@pytest.mark.parametrize("held", [False, True], ids=["read", "written"])
def test_of_two_connections_a_writer_gives_up_soon_and_a_reader_sees_what_is_committed(
    held: bool,
) -> None:
    operation = Scripted.objects.create()
    same = LiveOperation.objects.filter(pk=operation.pk)
    refused: list[BaseException] = []

    def write() -> None:
        lock_waits.limit(connection)
        try:
            same.update(current_stage=2)
        except DatabaseError as error:
            refused.append(error)

    # A transaction on SQLite keeps all other writers out, whatever it has done so far.
    keeps_out = held or connection.vendor == "sqlite"
    with transaction.atomic():
        assert same.get().current_stage == -1
        if held:
            same.update(current_stage=1)
        beside(write)
        assert [lock_waits.is_lock(error) for error in refused] == ([True] if keeps_out else [])
        assert same.get().current_stage == (1 if held else -1 if keeps_out else 2)


def beside(write: Callable[[], None]) -> None:
    """Do it on a connection of another thread, and wait for that."""

    def run() -> None:
        try:
            write()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()

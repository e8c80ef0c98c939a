"""What lies between ``enqueue()`` and a worker: queues, and a broker that is in trouble."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import pytest
from redis import Redis as Client

from liveops import conf, control
from liveops.runners import celery
from liveops.runners.worker import run_here
from tests.acceptance.runners.places import Place, created, page, stored
from tests.engines.fixtures import MakeEngines
from tests.engines.servers import Redis, free_port
from tests.engines.waiting import until

REFUSED = "The operation could not be started: the runner did not take it."


def queued(server: Redis, queue: str) -> dict[str, int]:
    """Return the lists of a server that belong to a queue of Celery, with their lengths."""
    with Client.from_url(server.url) as client:
        names = [name.decode() for name in client.keys(f"{queue}*")]
        return {name: client.llen(name) for name in names}


@pytest.mark.parametrize("kind", ["celery", "tasks-rq"])
def test_a_broker_that_is_not_there_fails_the_operation_with_a_sentence(
    kind: str, engines: MakeEngines, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    broker: dict[str, Any] = {
        "CELERY_BROKER_URL": nowhere,
        "RQ_QUEUES": {"default": {"URL": nowhere}},
    }
    place = Place(kind, engines, works=False, layer="memory", settings=broker)
    with place.site.here():
        operation = created()
        operation.enqueue()  # the caller, a web request perhaps, gets no error
        row = stored(operation)
        assert row.get_state() == "FINISHED_ERROR"
        assert row.live_progress.error_text == REFUSED
        assert REFUSED in page(operation)
    assert f"did not take operation {operation.pk}" in caplog.text
    assert "refused" in caplog.text


@contextmanager
def paused(server: Redis) -> Iterator[None]:
    """Have a server neither answer nor refuse."""
    server.pause()
    try:
        yield
    finally:
        server.go_on()


def publishing() -> bool:
    return any(thread.name == "liveops-publish" for thread in threading.enumerate())


def test_a_broker_that_does_not_answer_holds_nobody_for_ever(
    engines: MakeEngines, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(celery, "PUBLISH_SECONDS", 0.3)
    place = Place("celery", engines, works=False, layer="memory")
    with place.site.here():
        operation = created()
        with paused(redis):
            operation.enqueue()
            assert publishing(), "the broker still has it"
            assert stored(operation).get_state() == "FINISHED_ERROR"
            assert REFUSED in page(operation)
        until(lambda: not publishing(), what="the broker's answer")
        assert queued(redis, place.site.name) == {place.site.name: 1}, "it got there in the end"
        assert run_here(str(operation.pk)) is None, "and a worker finds nothing to do"
        assert stored(operation).get_state() == "FINISHED_ERROR"
        control.restart(stored(operation))
        assert stored(operation).get_state() == "NOT_STARTED"
        assert queued(redis, place.site.name) == {place.site.name: 2}


def test_a_class_says_in_which_queue_of_celery_its_operations_wait(
    engines: MakeEngines, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place("celery", engines, works=False)
    queue = f"imports-{place.site.name}"
    with place.site.here():
        operation = created()
        options = {"queue": queue, "priority": 3}
        monkeypatch.setattr(type(operation), "runner_options", options)
        assert conf.load_runner().check() == []
        operation.enqueue()
        assert queued(redis, place.site.name) == {}
        ((name, length),) = queued(redis, queue).items()
        assert (name.endswith("3"), length) == (True, 1), "the transport keeps one list a priority"


def test_a_class_says_in_which_queue_of_tasks_its_operations_wait(
    engines: MakeEngines, monkeypatch: pytest.MonkeyPatch
) -> None:
    backends = {
        "default": {"BACKEND": "django_tasks_db.DatabaseBackend"},
        "nightly": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["imports"]},
    }
    place = Place("tasks-db", engines, works=False, settings={"TASKS": backends})
    with place.site.here():
        operation = created()
        options = {"backend": "nightly", "queue_name": "imports", "priority": 7}
        monkeypatch.setattr(type(operation), "runner_options", options)
        assert [message.id for message in conf.load_runner().check()] == []
        operation.enqueue()
        results: Any = import_module("django_tasks_db.models").DBTaskResult
        (row,) = results.objects.all()
        assert (row.backend_name, row.queue_name, row.priority) == ("nightly", "imports", 7)
        assert row.args_kwargs == {"args": [str(operation.pk)], "kwargs": {}}

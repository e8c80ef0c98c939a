"""How an operation is handed to Celery, without a broker."""

import threading
from collections.abc import Iterator
from typing import Any

import celery._state
import pytest
from celery import Celery, current_app

from liveops.models import LiveOperation
from liveops.runners import celery as runner
from liveops.runners.celery import CeleryRunner
from tests.testapp.models import Walk


class Sent:
    """Stands for the task of an application, and keeps what it is called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[list[str], dict[str, Any]]] = []
        self.threads: list[str] = []
        self.error: Exception | None = None
        self.answer = threading.Event()
        self.answer.set()

    def apply_async(self, arguments: list[str], **options: Any) -> None:
        """Take a message."""
        self.threads.append(threading.current_thread().name)
        self.answer.wait(30)
        if self.error is not None:
            raise self.error
        self.calls.append((arguments, options))


@pytest.fixture
def sent() -> Iterator[Sent]:
    """Put a task that sends nothing into the project's application."""
    before = celery._state.default_app, celery._state._tls.current_app
    app, sent = Celery("shop", broker="memory://"), Sent()
    app.set_default()
    app.tasks[runner.TASK_NAME] = sent
    yield sent
    sent.answer.set()
    celery._state.default_app, celery._state._tls.current_app = before


def saved(alias: str = "default", **options: Any) -> LiveOperation:
    operation = Walk()
    operation._state.db, operation._state.adding = alias, False
    operation.runner_options = options  # type: ignore[misc]
    return operation


def test_the_message_is_the_operation_s_id(sent: Sent) -> None:
    operation = saved()
    CeleryRunner().enqueue(operation)
    ((arguments, options),) = sent.calls
    assert arguments == [str(operation.pk)]
    assert options["retry_policy"]["max_retries"] is not None, "it never tries for ever"


def test_another_database_than_the_default_is_named(sent: Sent) -> None:
    operation = saved("archive")
    CeleryRunner().enqueue(operation)
    assert sent.calls[0][0] == [str(operation.pk), "archive"]


def test_the_options_of_a_class_go_along(sent: Sent) -> None:
    CeleryRunner().enqueue(saved(queue="imports", priority=3))
    options = sent.calls[0][1]
    assert (options["queue"], options["priority"]) == ("imports", 3)


@pytest.mark.parametrize("error", [ConnectionError("refused"), TimeoutError("no answer")])
def test_a_refusal_is_an_error_of_the_caller(sent: Sent, error: Exception) -> None:
    sent.error = error
    with pytest.raises(type(error), match=str(error)):
        CeleryRunner().enqueue(saved())


def test_silence_is_an_error_of_the_caller(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "PUBLISH_SECONDS", 0.05)
    sent.answer.clear()
    with pytest.raises(TimeoutError, match=r"has not answered within 0\.05 seconds"):
        CeleryRunner().enqueue(saved())


def test_a_celery_that_runs_all_at_once_runs_it_in_the_caller_s_thread(sent: Sent) -> None:
    current_app.conf.task_always_eager = True
    CeleryRunner().enqueue(saved())
    assert sent.threads == [threading.current_thread().name]

"""The runner ``celery``: operations run in the workers of the project's Celery application."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from typing import Any, ClassVar

from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.db import DEFAULT_DB_ALIAS, connections

from liveops.exceptions import ConfigurationError
from liveops.models import LiveOperation
from liveops.runners.apart import check_apart
from liveops.runners.base import Runner
from liveops.runners.worker import run_here
from liveops.store import alias_of

try:
    from celery import current_app, shared_task

    from liveops.runners import celery_start
    from liveops.runners.celery_shutdown import listen
except ImportError as error:
    raise ConfigurationError(
        "The runner 'celery' needs Celery: pip install 'django-live-operations[celery]'."
    ) from error

TASK_NAME = "liveops.run_operation"
PUBLISH_SECONDS = 5.0
"""Longest time that whoever enqueues waits for the broker, a web request for example."""

_RETRIES = {"max_retries": 2, "interval_start": 0.0, "interval_step": 0.2, "interval_max": 0.4}


def _run(pk: str, alias: str | None = None) -> None:
    """Carry out one operation in a worker."""
    listen()
    run_here(pk, alias)


# The operation keeps its own result, and the claim decides whether a message that comes twice, or
# comes back, is carried out: so nothing is stored or repeated by Celery, and acks_late may be on.
run_operation = shared_task(name=TASK_NAME, ignore_result=True, max_retries=0)(_run)


class CeleryRunner(Runner):
    """Sends a message with the operation's id to the broker.

    ``runner_options`` of an operation class go to ``apply_async()``: ``queue``, ``priority``,
    ``time_limit`` and so on.
    """

    spans_processes: ClassVar[bool] = True

    @classmethod
    def check(cls) -> list[CheckMessage]:
        """Return what keeps Celery from carrying out operations in this project."""
        app = current_app._get_current_object()
        if app.main == "default":  # what Celery makes up where there is none
            return [
                Error(
                    "LIVEOPS['RUNNER'] is 'celery', but no Celery application is loaded.",
                    hint="Make one in celery.py beside the settings, and write "
                    "from .celery import app as celery_app into __init__.py beside them.",
                    id="liveops.E020",
                ),
                *check_apart("celery", _why_not),
            ]
        if app.conf.task_always_eager:
            return [
                CheckWarning(
                    "CELERY_TASK_ALWAYS_EAGER is on, so operations run where they are enqueued.",
                    hint="Leave it out of the settings of a site. In tests, write "
                    "LIVEOPS = {'RUNNER': 'eager'} instead.",
                    id="liveops.W020",
                )
            ]
        return check_apart("celery", _why_not)

    def enqueue(self, operation: LiveOperation) -> None:
        """Publish the message; raise if the broker does not take it within a few seconds."""
        app = current_app._get_current_object()
        alias = alias_of(operation)
        arguments = [str(operation.pk), *([] if alias == DEFAULT_DB_ALIAS else [alias])]

        def publish() -> None:
            options = {"retry": True, "retry_policy": _RETRIES, **operation.runner_options}
            app.tasks[TASK_NAME].apply_async(arguments, **options)

        if app.conf.task_always_eager:
            publish()
        else:
            _within(PUBLISH_SECONDS, publish)


def _why_not(options: dict[str, Any]) -> str | None:
    """Return why a message cannot be sent with options, as far as that can be told here."""
    try:
        json.dumps(options)
    except (TypeError, ValueError) as error:
        return f"{error}."
    return None


def _within(seconds: float, function: Callable[[], Any]) -> None:
    """Call a function in a thread of its own, and wait for it no longer than that.

    A broker that is connected and does not answer holds its client for ever, whatever timeouts
    there are for connecting. Should it take the message later, the operation has ended by then,
    and a worker finds nothing to do.

    Raises:
        TimeoutError: it has not returned yet.
    """
    outcome: Future[None] = Future()
    context = copy_context()

    def call() -> None:
        try:
            context.run(function)
        except BaseException as error:  # noqa: BLE001  (raised again where it is waited for)
            outcome.set_exception(error)
        else:
            outcome.set_result(None)
        finally:
            connections.close_all()  # those that receivers of Celery's signals have opened

    threading.Thread(target=call, name="liveops-publish", daemon=True).start()
    try:
        outcome.result(seconds)
    except TimeoutError as error:
        if outcome.done():
            raise
        raise TimeoutError(f"The broker has not answered within {seconds:g} seconds.") from error


celery_start.connect(CeleryRunner)

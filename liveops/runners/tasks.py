"""The runner ``tasks``: operations run in the workers of Django's tasks framework."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any, ClassVar

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning
from django.db import DEFAULT_DB_ALIAS

from liveops.exceptions import ConfigurationError
from liveops.models import LiveOperation
from liveops.runners.apart import check_apart, operation_classes
from liveops.runners.base import Runner
from liveops.runners.worker import run_here
from liveops.store import alias_of

_framework: Any
try:
    _framework = import_module("django.tasks")
except ModuleNotFoundError:
    try:
        _framework = import_module("django_tasks")
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "The runner 'tasks' needs Django 6.0 or newer, or the backport of its tasks: "
            "pip install 'django-live-operations[tasks]'."
        ) from error

_OPTIONS = {"backend", "priority", "queue_name"}
_WITHOUT_WORKER = {"DummyBackend", "ImmediateBackend"}


def _run(pk: str, alias: str | None = None) -> None:
    """Carry out one operation in a worker."""
    run_here(pk, alias)


# Workers import the task by the name of its function.
_run.__name__ = _run.__qualname__ = "run_operation"
try:
    run_operation: Any = _framework.task()(_run)
except Exception as error:  # each backend has its own
    raise ConfigurationError(
        f"The default backend in TASKS does not take the tasks of liveops: {error}"
    ) from error


class TasksRunner(Runner):
    """Enqueues a task with the operation's id.

    ``runner_options`` of an operation class say which ``backend``, ``queue_name`` and ``priority``
    it has.
    """

    spans_processes: ClassVar[bool] = True

    @classmethod
    def check(cls) -> list[CheckMessage]:
        """Return what keeps Django's tasks from carrying out operations in this project."""
        found = check_apart("tasks", _why_not)
        wanted = (model.runner_options.get("backend") for model in operation_classes())
        return [*_backend_messages({run_operation.backend, *wanted}), *found]

    def enqueue(self, operation: LiveOperation) -> None:
        """Enqueue the task; raise if the backend does not take it."""
        alias = alias_of(operation)
        arguments = [str(operation.pk), *([] if alias == DEFAULT_DB_ALIAS else [alias])]
        run_operation.using(**operation.runner_options).enqueue(*arguments)


def _why_not(options: dict[str, Any]) -> str | None:
    """Return why a task cannot be enqueued with options; nothing if it can."""
    if unknown := options.keys() - _OPTIONS:
        return f"{', '.join(sorted(unknown))} is not one of {', '.join(sorted(_OPTIONS))}."
    try:
        run_operation.using(**options)
    except Exception as error:  # noqa: BLE001  (each backend has its own)
        return str(error)
    return None


def _backend_messages(aliases: set[str | None]) -> Iterator[CheckMessage]:
    # One that is not in TASKS at all is an error of the class that wants it.
    for alias in sorted(str(alias) for alias in aliases & {*_framework.task_backends.settings}):
        name = type(_framework.task_backends[alias]).__name__
        if name in _WITHOUT_WORKER:
            yield CheckWarning(
                f"The backend {alias!r} in TASKS is {name}, which has no workers.",
                hint="Write one that has into TASKS, such as 'BACKEND': "
                "'django_tasks_db.DatabaseBackend'; its worker is manage.py db_worker.",
                id="liveops.W022",
            )
        elif name == "RQBackend":
            yield from _timeout_messages()


def _timeout_messages() -> Iterator[CheckMessage]:
    queues = getattr(settings, "RQ_QUEUES", {})
    short = sorted(name for name, queue in queues.items() if "DEFAULT_TIMEOUT" not in queue)
    if short:
        yield CheckWarning(
            f"rq ends operations that take longer than three minutes in: {', '.join(short)}.",
            hint="Write a DEFAULT_TIMEOUT into each of them in RQ_QUEUES, in seconds, such as "
            "'DEFAULT_TIMEOUT': 3600.",
            id="liveops.W023",
        )

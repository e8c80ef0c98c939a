"""What the fixtures of the pytest plugin return."""

from typing import Any

from django.conf import settings
from django.test.utils import override_settings

from liveops.models import LiveOperation
from liveops.progress.bridge import in_event_loop
from liveops.testing.commits import real_commits
from liveops.testing.outcome import Outcome
from liveops.testing.running import run_operation
from liveops.testing.watch import Watch


class Operations:
    """Makes operations."""

    def __call__(self, model: type[LiveOperation], **fields: Any) -> Any:
        """Return a saved operation that waits to be started.

        Args:
            model: its class.
            fields: its fields, ``owner`` among them.
        """
        return model._default_manager.create(**fields)

    def run(self, model: type[LiveOperation], **fields: Any) -> Outcome:
        """Make an operation and run it to its end, see :func:`liveops.testing.run_operation`."""
        return run_operation(self(model, **fields))

    def enqueue(self, model: type[LiveOperation], **fields: Any) -> Any:
        """Make an operation and enqueue it; return it as it is after it has run."""
        operation = self(model, **fields)
        own = {**getattr(settings, "LIVEOPS", {}), "RUNNER": "eager"}
        with real_commits(), override_settings(LIVEOPS=own):
            operation.enqueue()
        operation.refresh_from_db()
        return operation


class Watches:
    """Watches operations, and closes in the end what it has opened."""

    def __init__(self) -> None:
        self._open: list[Watch] = []

    def __call__(self, operation: Any, **options: Any) -> Watch:
        """Return a watch, open already where this is not called in a coroutine.

        Args:
            operation: the operation, or its id.
            options: those of :class:`liveops.testing.Watch`.
        """
        watch = Watch(operation, **options)
        if not in_event_loop():
            watch.open()
            self._open.append(watch)
        return watch

    def close(self) -> None:
        """Close all that is open."""
        while self._open:
            self._open.pop().close()

"""The interface of a runner: one method."""

import logging
from abc import ABC, abstractmethod
from typing import ClassVar

from django.core.checks import CheckMessage
from django.utils import translation
from django.utils.translation import gettext as _

from liveops import control, events, store
from liveops.models import LiveOperation
from liveops.states import State

__all__ = ["Runner"]

logger = logging.getLogger("liveops")


class Runner(ABC):
    """Carries out operations somewhere; one instance for each operation that is handed over.

    A subclass writes :meth:`enqueue`, which sees to it that
    :func:`liveops.runners.executor.execute` is called with the operation, now or later, here or in
    another process. It may be called more than once: only one call wins the claim.

    Attributes:
        spans_processes: whether operations may run in another process than the one that enqueues
            them, so that frames need a channel layer which joins processes.
    """

    spans_processes: ClassVar[bool] = False

    @classmethod
    def check(cls) -> list[CheckMessage]:
        """Return what keeps the runner from working in this project; part of the system checks."""
        return []

    @abstractmethod
    def enqueue(self, operation: LiveOperation) -> None:
        """Take a saved operation; any exception means that it could not be taken."""

    def submit(self, operation: LiveOperation) -> None:
        """Hand over an operation after the commit; a refusal ends it as failed and is logged."""
        try:
            self.enqueue(operation)
        except Exception:
            name = type(self).__name__
            logger.exception("liveops: %s did not take operation %s", name, operation.pk)
            with translation.override(operation.language):
                text = _("The operation could not be started: the runner did not take it.")
            end_unstarted(operation, text)


def end_unstarted(operation: LiveOperation, text: str = "") -> None:
    """End an operation that cannot be started, so that it does not wait for ever.

    Args:
        operation: the operation.
        text: the sentence that people read; a general one if left out.
    """
    if not text:
        with translation.override(operation.language):
            text = _("The operation could not be started.")
    if store.fail_unstarted(operation, text):
        control.announce_end(operation, text)
        events.finished(operation, None, State.FINISHED_ERROR, text)

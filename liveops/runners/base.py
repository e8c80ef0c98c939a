"""The interface of a runner: one method."""

import logging
from abc import ABC, abstractmethod

from django.utils import translation
from django.utils.translation import gettext as _

from liveops import control, store
from liveops.models import LiveOperation

logger = logging.getLogger("liveops")


class Runner(ABC):
    """Carries out operations somewhere; one instance for each operation that is handed over.

    A subclass writes :meth:`enqueue`, which sees to it that
    :func:`liveops.runners.executor.execute` is called with the operation, now or later, here or in
    another process. It may be called more than once: only one call wins the claim.
    """

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
            if store.fail_unstarted(operation, text):
                control.announce_end(operation, text)

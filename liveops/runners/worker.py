"""What a worker of another system calls to carry out one operation."""

import logging
import uuid

from django.db import DatabaseError, router

from liveops import reaping_thread, registry, shutdown
from liveops.exceptions import UnknownOperationTypeError
from liveops.models import LiveOperation
from liveops.progress.pumps import suitable_pump
from liveops.runners.base import end_unstarted
from liveops.runners.executor import execute
from liveops.runners.sigterm import HearsSigterm
from liveops.sinks.sender import sender
from liveops.states import State
from liveops.store import alias_of

logger = logging.getLogger("liveops")

_FLUSH_SECONDS = 2.0


def run_here(pk: str, alias: str | None = None) -> State | None:
    """Carry out an operation that was handed over, in this thread.

    Args:
        pk: id of the operation.
        alias: its database; None for the one that operations are written to.

    Returns:
        The state it ended in; None if there was nothing to do: it was deleted, is another run's,
        does not wait any more, or this process is going down.
    """
    if registry.goes_down():
        shutdown.leave_to_others([uuid.UUID(pk)], alias)
        return None
    with registry.starting(uuid.UUID(pk)):
        return _run(pk, alias)


def _run(pk: str, alias: str | None) -> State | None:
    shutdown.arm()
    reaping_thread.start()
    # Not where they are read from: a replica may not know yet of an operation that is new.
    home = alias or router.db_for_write(LiveOperation)
    operation = LiveOperation._base_manager.using(home).filter(pk=uuid.UUID(pk)).first()
    if operation is None:
        logger.info("liveops: operation %s was deleted before it started", pk)
        return None
    with HearsSigterm():
        try:
            state = execute(operation, pump=suitable_pump(alias_of(operation)))
        except UnknownOperationTypeError as error:
            # A worker of an older version, perhaps: it waits, and is handed over again.
            logger.warning("liveops: %s", error)
            return None
        except DatabaseError:
            raise  # likewise, once the database is back
        except Exception:
            end_unstarted(operation)  # nothing, if user code has run: that is the executor's
            raise
        # The worker may end its process now; the last frames are on their way in another thread.
        sender().flush(_FLUSH_SECONDS)
    return state

"""Everything liveops raises: errors for the caller to handle, and stop signals that end a run.

Stop signals derive from :class:`BaseException`, so that an ``except Exception`` in user code
cannot swallow a cancel by accident.
"""

__all__ = [
    "ConfigurationError",
    "FenceLost",
    "InvalidResultError",
    "InvalidStateError",
    "LiveOperationsError",
    "OperationCancelled",
    "OperationError",
    "OperationInterrupted",
    "StageFailedError",
    "StopSignal",
    "TooManyRunningError",
    "UnknownOperationTypeError",
]


class LiveOperationsError(Exception):
    """The base of every error that liveops raises."""


class OperationError(LiveOperationsError):
    """Fail the operation with a sentence that its watchers may read.

    Raise it in ``run()`` for problems of the input: its message is shown on the page and in the
    terminal as it stands. The text of any other exception is kept for those who may see
    tracebacks.
    """


class InvalidResultError(LiveOperationsError):
    """A result holds a value that cannot be stored as JSON; the message names the key."""


class InvalidStateError(LiveOperationsError):
    """The operation is not in a state that allows what was asked of it."""


class TooManyRunningError(LiveOperationsError):
    """The owner has as many operations waiting and running as ``MAX_RUNNING_PER_USER`` allows."""


class StageFailedError(OperationError):
    """A stage asked to be tried again and its attempts are used up.

    Attributes:
        stage: its name; empty unless :meth:`after` made the error, as with the others.
        attempts: how often it was tried.
        reason: why it asked, if it said so.
    """

    stage = ""
    attempts = 0
    reason = ""

    @classmethod
    def after(cls, stage: str, attempts: int, cause: object) -> "StageFailedError":
        """Return the error of a stage that was tried so many times.

        Args:
            stage: its name.
            attempts: how often it was tried.
            cause: the last error, whose text says why; None if there is nothing to say.
        """
        times = "1 attempt" if attempts == 1 else f"{attempts} attempts"
        reason = "" if cause is None else str(cause)
        error = cls(f"The stage {stage!r} failed after {times}{f': {reason}' if reason else '.'}")
        error.stage, error.attempts, error.reason = stage, attempts, reason
        return error


class ConfigurationError(LiveOperationsError):
    """A setting or an operation class is wrong; the message says what to change."""


class UnknownOperationTypeError(LiveOperationsError):
    """A stored operation names a model class that this project no longer has."""


class StopSignal(BaseException):
    """The base of the signals that end a run from outside."""


class OperationCancelled(StopSignal):
    """Somebody asked to cancel this operation; raised inside its ``run()``."""


class OperationInterrupted(StopSignal):
    """The process is shutting down and takes the run with it."""


class FenceLost(StopSignal):
    """The run is no longer the owner of its operation and must not write anything more."""

"""What ``liveops_startop`` says when it will not write."""

from liveops.exceptions import LiveOperationsError


class CannotWriteError(LiveOperationsError):
    """A name will not do, or a file is in the way; the message says which and why."""

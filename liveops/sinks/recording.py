"""A sink for tests: keeps every update."""

from liveops.progress.update import Update


class RecordingSink:
    """Keeps updates in ``updates``, in order; ``closed`` tells whether the run ended."""

    def __init__(self) -> None:
        self.updates: list[Update] = []
        self.closed = False

    def emit(self, update: Update) -> None:
        """Keep an update."""
        self.updates.append(update)

    def close(self) -> None:
        """Note the end."""
        self.closed = True

"""The eager runner: at once, in the calling thread. For tests, and where nothing else can run."""

from liveops.models import LiveOperation
from liveops.progress.pumps import inline_pump
from liveops.runners.base import Runner
from liveops.runners.executor import execute


class EagerRunner(Runner):
    """Carries out the operation before ``enqueue()`` returns (after the commit, as always)."""

    def enqueue(self, operation: LiveOperation) -> None:
        """Run the operation here and now, and those that it is chained to one after the other."""
        waiting = [operation]
        while waiting:
            following = waiting.pop()
            following.refresh_from_db()
            execute(following, pump=inline_pump(), hand_on=waiting.append)

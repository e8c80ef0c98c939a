"""The badge: what goes on, in a few words for any page."""

import hashlib
from dataclasses import dataclass, replace
from datetime import timedelta

from django.utils import timezone, translation

from liveops.overview.reach import Reach
from liveops.overview.rows import count_all, newest_rows
from liveops.states import State

COUNTED = 1_000
"""The most operations of a kind that are counted."""

_FAILED_WITHIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Badge:
    """What a user may know of what goes on.

    Attributes:
        running, waiting: how many operations run and wait, up to ``COUNTED``.
        failed: how many failed within the last hour, up to ``COUNTED``.
        title, url, percent: of the newest one that runs; empty without any.
    """

    running: int
    waiting: int
    failed: int
    title: str = ""
    url: str = ""
    percent: str = ""

    @property
    def is_quiet(self) -> bool:
        """Whether there is nothing to say."""
        return not (self.running or self.waiting or self.failed)

    @property
    def mark(self) -> str:
        """A name for everything that it shows: the same for the same, in the same language."""
        shown = (self, translation.get_language())
        return hashlib.blake2s(repr(shown).encode(), digest_size=12).hexdigest()


def read(reach: Reach) -> Badge:
    """Return what there is to say to a user now, by one query; two while something runs."""
    operations = reach.operations()
    running = operations.filter(state=State.STARTED)
    recently = timezone.now() - _FAILED_WITHIN
    queries = {
        "running": running,
        "waiting": operations.filter(state=State.NOT_STARTED),
        "failed": operations.filter(state=State.FINISHED_ERROR, finished_on__gte=recently),
    }
    counts = count_all(queries, reach, COUNTED)
    found = Badge(counts["running"], counts["waiting"], counts["failed"])
    newest = newest_rows(running, reach, 0, 1) if found.running else []
    for row in newest:
        return replace(found, title=row.title, url=row.url, percent=row.percent_label)
    return found

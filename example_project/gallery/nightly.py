"""An operation for every night: cron starts it, nobody owns it, and it ends with a summary.

    15 2 * * *  cd /srv/site && python manage.py run_liveop gallery.NightlySummary

Without `--owner` it belongs to the system, and is seen by superusers and by those with a permission
on its class. It runs in the process that cron starts, in text mode; whoever opens its page while it
runs sees it live.
"""

import sys
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from liveops.exceptions import UnknownOperationTypeError
from liveops.models import LiveOperation
from liveops.progress import Progress
from sitecheck.models import MANAGE

DAY = timedelta(days=1)


class NightlySummary(LiveOperation):
    """Delete operations of long ago, and sum up those of the last 24 hours."""

    keep_days = models.PositiveSmallIntegerField(
        _("days to keep"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text=_("Operations that ended longer ago than that are deleted."),
    )

    class Meta:
        verbose_name = _("nightly summary")
        verbose_name_plural = _("nightly summaries")

    def run(self, p: Progress) -> None:
        """Tidy up, count, and say how the day was."""
        self.tidy_up(p)
        rows = self.count(p) or []
        failed = sum(row["failed"] for row in rows)
        if failed:
            text = ngettext("%(number)d operation failed", "%(number)d operations failed", failed)
            p.status(text % {"number": failed}, level="warning")
        else:
            p.status(gettext("A quiet day: nothing has failed"), level="success")
        p.result(rows=rows, total=sum(row["number"] for row in rows), failed=failed)

    @LiveOperation.stage("Tidy up", "Deleting what ended long ago")
    def tidy_up(self, p: Progress) -> None:
        """Have the package's own command do it; it never touches what waits or runs."""
        age = f"{self.keep_days}d"
        p.run([sys.executable, MANAGE, "liveops_prune", "--older-than", age])

    @LiveOperation.stage("Count", "Summing up the last 24 hours")
    def count(self, p: Progress) -> list[dict[str, Any]]:
        """Return for each class how many there were, how many failed, and how long they took."""
        ended = LiveOperation.objects.filter(finished_on__gte=timezone.now() - DAY)
        found: dict[str, list[LiveOperation]] = defaultdict(list)
        for operation in p.track(ended.order_by("finished_on"), unit="operation"):
            found[name_of(operation)].append(operation)
        return [
            {
                "name": name,
                "number": len(operations),
                "failed": sum(not operation.finished_successfully for operation in operations),
                "seconds": round(sum(map(seconds_of, operations)) / len(operations), 1),
            }
            for name, operations in sorted(found.items(), key=lambda item: -len(item[1]))
        ]


def name_of(operation: LiveOperation) -> str:
    """Return what operations of a class are called; its label, if the project no longer has it."""
    try:
        return str(capfirst(operation.specific_class()._meta.verbose_name_plural))
    except UnknownOperationTypeError:
        return operation.operation_type


def seconds_of(operation: LiveOperation) -> float:
    """Return how long an operation ran; 0 if it never did."""
    begin: datetime | None = operation.started_on
    end: datetime | None = operation.finished_on
    return (end - begin).total_seconds() if begin and end else 0.0

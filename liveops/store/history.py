"""What earlier runs tell of the one to come: how long each stage usually takes."""

import logging
from collections import defaultdict
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import datetime
from statistics import median
from typing import Any

from django.db import DatabaseError, connections, transaction
from django.db.models import Count, Max, Min, Q

from liveops.models import LiveOperation, StageRun
from liveops.stages import StageState
from liveops.states import State
from liveops.store.rows import alias_of

logger = logging.getLogger("liveops")

RUNS = 20
"""How many successful runs are looked at, the newest ones."""


def expected_durations(operation: LiveOperation) -> dict[str, float]:
    """Return how long each stage took in earlier successful runs of the class, in seconds.

    It is the median; that of the whole run stands under the name ``""``. A stage lasts from the
    beginning of its first attempt to the end of its last one, and counts where it was done. The
    whole counts where nothing of it was left out or done before a resume. A dry run is compared
    with dry runs only.

    It takes two queries. If the database refuses them, nothing is known, which is no error: a run
    must not wait for it.
    """
    alias = alias_of(operation)
    # Inside a transaction a failed query would spoil all that follows.
    inside = connections[alias].in_atomic_block
    try:
        with transaction.atomic(using=alias) if inside else nullcontext():
            return _medians(_durations(operation, alias))
    except DatabaseError as error:
        logger.warning("liveops: nothing is known of earlier runs (%s)", error)
        return {}


def _durations(operation: LiveOperation, alias: str) -> Mapping[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    runs = {row["pk"]: row for row in _newest_runs(operation, alias)}
    resumed = set()
    for row in _stages_of(list(runs), alias) if runs else ():
        pk = row["operation_id"]
        if row["run_id"] != runs[pk]["run_id"]:
            resumed.add(pk)
        if row["times_done"]:
            found[row["stage"]].append(_seconds(row["began"], row["ended"]))
    for pk, run in runs.items():
        if pk not in resumed and run["stages_to_run"] is None:
            found[""].append(_seconds(run["started_on"], run["finished_on"]))
    return found


def _newest_runs(operation: LiveOperation, alias: str) -> Any:
    same = LiveOperation._base_manager.using(alias).filter(
        operation_type=operation.operation_type,
        state=State.FINISHED_OK,
        is_dry_run=operation.is_dry_run,
        started_on__isnull=False,
    )
    columns = ("pk", "run_id", "started_on", "finished_on", "stages_to_run")
    return same.order_by("-created_on").values(*columns)[:RUNS]


def _stages_of(operations: list[Any], alias: str) -> Any:
    rows = StageRun.objects.using(alias).filter(operation__in=operations)
    return (
        rows.order_by()
        .values("operation_id", "run_id", "stage")
        .annotate(
            began=Min("started_on"),
            ended=Max("finished_on"),
            times_done=Count("pk", filter=Q(outcome=StageState.DONE)),
        )
    )


def _seconds(began: datetime, ended: datetime) -> float:
    return max((ended - began).total_seconds(), 0.0)


def _medians(found: Mapping[str, list[float]]) -> dict[str, float]:
    return {name: round(median(values), 3) for name, values in found.items()}

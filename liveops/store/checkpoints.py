"""What stages left that were done, so that a resumed run passes by them."""

from collections.abc import Collection
from typing import Any

from liveops.models import LiveOperation, StageRun
from liveops.stages import StageState, stage_methods
from liveops.store.rows import alias_of


def checkpoints_of(operation: LiveOperation) -> dict[str, list[Any]]:
    """Return by stage what its passages returned, in the order of the calls."""
    return {name: [row.result for row in rows] for name, rows in _kept_rows(operation).items()}


def drop_all_but(operation: LiveOperation, done: Collection[str]) -> list[str]:
    """Delete what is recorded of attempts, except the checkpoints of some stages.

    Args:
        operation: the operation.
        done: the stages that may be passed by.

    Returns:
        Those of them that have checkpoints.
    """
    kept = {name: rows for name, rows in _kept_rows(operation).items() if name in done}
    keys = [row.pk for rows in kept.values() for row in rows]
    _rows(operation).exclude(pk__in=keys).delete()
    return list(kept)


def _rows(operation: LiveOperation) -> Any:
    return StageRun.objects.using(alias_of(operation)).filter(operation=operation.pk)


def _kept_rows(operation: LiveOperation) -> dict[str, list[StageRun]]:
    """Return the checkpoints of each stage that is a method and has some.

    Which call a checkpoint belongs to is known by its place alone, so none counts that follows a
    passage which left none.
    """
    kept: dict[str, list[StageRun]] = {}
    closed: set[str] = set()
    failed: set[str] = set()
    methods = {stage.name for stage in stage_methods(operation.specific_class()).values()}
    for row in _rows(operation).filter(stage__in=methods).order_by("pk"):
        if row.attempt == 1 and row.stage in failed:
            closed.add(row.stage)  # the passage before ended so
        failed.discard(row.stage)
        if row.outcome == StageState.FAILED:
            failed.add(row.stage)
        elif not row.is_checkpoint:
            closed.add(row.stage)
        elif row.stage not in closed:
            kept.setdefault(row.stage, []).append(row)
    return kept

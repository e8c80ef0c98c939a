"""Deleting operations that ended long ago, with everything beside them, in small transactions.

Operations go through the ORM, each as an instance of its own class: so rows of the project's
models go, stay or protect them as their foreign keys say, and signals are sent. One thing they may
not say: that another operation goes with it, which may run, or be kept. What would go is collected
before anything is deleted, since a receiver of a signal may do what no rollback undoes.
"""

import logging
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, connections, router, transaction
from django.db.models import ProtectedError, Q, RestrictedError
from django.db.models.deletion import Collector

from liveops.exceptions import LiveOperationsError, UnknownOperationTypeError
from liveops.models import LiveOperation
from liveops.states import FINAL_STATES, State
from liveops.store.reaping import ago

logger = logging.getLogger("liveops")

FAILED_STATES = (State.FINISHED_ERROR, State.CANCELLED, State.INTERRUPTED)
"""The states that ``--keep-failed`` is about: everything that ended without success."""


class _TakesOthersError(LiveOperationsError):
    """Operations would be deleted that are none of those that are to be."""


_REFUSALS = (ProtectedError, RestrictedError, IntegrityError, _TakesOthersError)


@dataclass(slots=True)
class Pruned:
    """What was deleted.

    Attributes:
        operations: how many, by state.
        kept: those that other rows refer to which must not lose them.
        tied: those with which another operation would be deleted.
    """

    operations: Counter[str] = field(default_factory=Counter)
    kept: int = 0
    tied: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """Which operations are to be deleted.

    Attributes:
        older_than: how long ago those ended that succeeded.
        keep_failed: how long ago all others did.
        label: only those of this class; None for all.
        batch: how many are deleted in one transaction.
    """

    older_than: timedelta
    keep_failed: timedelta
    label: str | None = None
    batch: int = 500

    def rows(self, alias: str, state: State) -> Any:
        """Return those in a final state, as a query that an index answers."""
        age = self.keep_failed if state in FAILED_STATES else self.older_than
        rows = LiveOperation._base_manager.using(alias).filter(
            state=state, finished_on__lt=ago(age.total_seconds())
        )
        return rows if self.label is None else rows.filter(operation_type=self.label)


def count(plan: Plan) -> Counter[str]:
    """Return how many operations there are to be deleted, by state."""
    alias = router.db_for_write(LiveOperation)
    return Counter({state.value: plan.rows(alias, state).count() for state in FINAL_STATES})


def prune(plan: Plan, found: Pruned) -> None:
    """Delete what a plan says; whatever breaks it off, what was found so far stays deleted.

    Args:
        plan: which operations.
        found: what was deleted is added to it, batch by batch.

    Raises:
        DatabaseError: the database refuses, or is away.
    """
    alias = router.db_for_write(LiveOperation)
    for state in FINAL_STATES:
        last: LiveOperation | None = None
        is_more = True
        while is_more:
            rows = _in_order(plan.rows(alias, state), last)
            try:
                batch = _delete(rows[: plan.batch], alias)
                found.operations[state.value] += len(batch)
            except _REFUSALS:
                batch = list(rows[: plan.batch])
                _delete_each(plan.rows(alias, state), batch, alias, found)
            last = batch[-1] if batch else None
            is_more = len(batch) == plan.batch


def _in_order(rows: Any, last: LiveOperation | None) -> Any:
    """Return the rows that come after the last one that was looked at, oldest first."""
    if last is not None:
        later = Q(finished_on__gt=last.finished_on)
        # The first condition follows from the second; it is the one that an index answers.
        rows = rows.filter(finished_on__gte=last.finished_on).filter(
            later | Q(finished_on=last.finished_on, pk__gt=last.pk)
        )
    return rows.order_by("finished_on", "pk")


def _delete_each(rows: Any, batch: list[LiveOperation], alias: str, found: Pruned) -> None:
    for operation in reversed(batch):  # what refers to another one has ended later, as a rule
        try:
            done = _delete(rows.filter(pk=operation.pk), alias)
        except _REFUSALS as error:
            logger.info("liveops: operation %s is not deleted: %s", operation.pk, error)
            if isinstance(error, _TakesOthersError):
                found.tied += 1
            else:
                found.kept += 1
        else:
            found.operations[operation.get_state()] += len(done)


def _delete(rows: Any, alias: str) -> list[LiveOperation]:
    """Delete operations in one transaction, and return them; those that are locked stay."""
    skips = connections[alias].features.has_select_for_update_skip_locked
    with transaction.atomic(using=alias):
        # From here on nobody can resume or restart them: the query names the state they are in.
        batch = list(rows.select_for_update(skip_locked=skips))
        by_class: dict[type[LiveOperation], list[uuid.UUID]] = {}
        for operation in batch:
            by_class.setdefault(_class_of(operation), []).append(operation.pk)
        collector = Collector(using=alias, origin=rows)
        for model, pks in by_class.items():
            same: Any = model._base_manager.using(alias).filter(pk__in=pks)
            collector.collect(same)
        if others := _operations_in(collector) - {operation.pk for operation in batch}:
            names = ", ".join(sorted(map(str, others)))
            raise _TakesOthersError(f"Others would be deleted with it: {names}.")
        collector.delete()
    return batch


def _operations_in(collector: Collector) -> set[uuid.UUID]:
    """Return which operations would be deleted; none is among those deleted without being read."""
    return {
        instance.pk
        for model, instances in collector.data.items()
        if model._meta.concrete_model is LiveOperation
        for instance in instances
    }


def _class_of(operation: LiveOperation) -> type[LiveOperation]:
    try:
        return operation.specific_class()
    except UnknownOperationTypeError:
        return LiveOperation

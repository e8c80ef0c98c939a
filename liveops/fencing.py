"""Saving an operation's instance without undoing what others wrote since it was loaded.

Two dangers are met here, both in Django's own ``save()`` and so in the user's ``self.save()`` too:
a run that lost its operation must not write anything, and an instance that was loaded before a
run began must not put the run's columns back to what they were.
"""

import uuid
from collections.abc import Collection
from copy import deepcopy
from typing import Any, Self

from django.db import models

from liveops.exceptions import FenceLost

RUN_COLUMNS = (
    "started_on",
    "finished_on",
    "finished_successfully",
    "cancel_requested",
    "cancelled",
    "interrupted",
    "traceback",
    "result_context",
    "current_stage",
    "stage_states",
    "run_id",
    "next_operation",
    "enqueued_on",
    "hand_overs",
    "resumes_left",
    "declared_stages",
)
"""The columns that runs and controls write, often behind the back of a loaded instance."""


class FencedModel(models.Model):
    """The saving rules of an operation; ``run_id`` is a field of the class that inherits.

    Attributes:
        fence: the ``run_id`` that every write of this instance must find; None outside a run.
    """

    fence: uuid.UUID | None = None

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, and remember the run columns as they are now."""
        super().save(*args, **kwargs)
        self.remember_run_columns(kwargs.get("update_fields"))

    @classmethod
    def from_db(
        cls, db: str | None, field_names: Collection[str], values: Collection[Any], **more: Any
    ) -> Self:
        """Load an instance and remember its run columns as they were."""
        instance = super().from_db(db, field_names, values, **more)
        instance.remember_run_columns()
        return instance

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        """Reload, and remember the run columns as they are now."""
        super().refresh_from_db(*args, **kwargs)
        self.remember_run_columns(kwargs.get("fields") or (args[1] if len(args) > 1 else None))

    def remember_run_columns(self, names: Collection[str] | None = None) -> None:
        """Take the run columns (of these names, if given) as they are for the database's values."""
        stored: dict[str, Any] = self.__dict__.setdefault("_stored", {})
        for name in RUN_COLUMNS:
            if names is None or name in names:
                value = self.__dict__.get(name, self.__dict__.get(f"{name}_id"))
                stored[name] = deepcopy(value)

    def _do_update(  # Django 5.2 and 6.0 differ in what follows update_fields
        self,
        base_qs: Any,
        using: Any,
        pk_val: Any,
        values: Any,
        update_fields: Any,
        *more: Any,
    ) -> Any:
        # Called once for each table of the inheritance chain; every UPDATE carries the fence.
        if update_fields is None:
            stored = self.__dict__.get("_stored", {})
            values = [
                item
                for item in values
                if item[0].name not in stored
                or stored[item[0].name] != getattr(self, item[0].attname)
            ]
        fenced = base_qs if self.fence is None else self._fenced(base_qs, using, pk_val)
        update: Any = super()._do_update
        updated = update(fenced, using, pk_val, values, update_fields, *more)
        if self.fence is not None and not updated:
            raise FenceLost(f"Run {self.fence} no longer owns operation {self.pk}.")
        return updated

    def _fenced(self, base_qs: Any, using: str, pk_val: Any) -> Any:
        owner = self._meta.get_field("run_id").model
        if base_qs.model is owner:
            return base_qs.filter(run_id=self.fence)
        claimed = owner._base_manager.using(using).filter(pk=pk_val, run_id=self.fence)
        return base_qs.filter(pk__in=claimed.values("pk"))

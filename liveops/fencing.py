"""Saving an operation's instance without undoing what others wrote since it was loaded.

Two dangers are met here, both in Django's own ``save()`` and so in the user's ``self.save()`` too:
a run that lost its operation must not write anything, and an instance that was loaded before a
run began must not put the run's columns back to what they were.
"""

import uuid
from collections.abc import Collection
from copy import deepcopy
from typing import Any, NoReturn, Self

from django.db import models, router
from django.db.models.signals import post_save, pre_save

from liveops.exceptions import FenceLost, InvalidStateError

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

STAGE_COLUMNS = ("current_stage", "stage_states")
"""What is saved at each boundary of a stage."""

OTHER_PK = (
    "run() deleted its own operation, or gave it another primary key. To have another one like it, "
    "create one with the same values; never make a copy of this one's instance."
)
"""What is said of an operation that is not the one that runs any more."""

_STAGE_FIELDS = frozenset(STAGE_COLUMNS)


class FencedModel(models.Model):
    """The saving rules of an operation; ``run_id`` is a field of the class that inherits.

    Attributes:
        fence: the ``run_id`` that every write of this instance must find; None outside a run.
        claimed_pk: the primary key that it had when a run claimed it.
    """

    fence: uuid.UUID | None = None
    claimed_pk: Any = None
    _run_query: tuple[Any, Any] = (None, None)

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, and remember the run columns as they are now.

        Raises:
            InvalidStateError: ``run()`` gave its own operation another primary key.
            FenceLost: the run no longer owns the operation.
        """
        if self._has_other_pk():
            raise InvalidStateError(OTHER_PK)
        names = kwargs.get("update_fields")
        if not args and names == [*STAGE_COLUMNS] and self._saves_plainly(kwargs):
            self._save_stages()
        else:
            super().save(*args, **kwargs)
        self.remember_run_columns(names)

    def take_back_pk(self) -> bool:
        """Return whether the operation of a run has another primary key; it gets its own again."""
        if not self._has_other_pk():
            return False
        for parent in type(self)._meta.all_parents:
            setattr(self, parent._meta.pk.attname, self.claimed_pk)
        self.pk, self._state.adding = self.claimed_pk, False
        return True

    def _has_other_pk(self) -> bool:
        if self.fence is None or self.claimed_pk in (None, self.pk):
            return False
        return str(self.claimed_pk) != str(self.pk)  # it may have been given as a text

    def _saves_plainly(self, options: Collection[str]) -> bool:
        """Return whether nobody has a hand in how a run's instance is saved; libraries may."""
        is_fenced, own = self.fence is not None and not self._state.adding, type(self)
        return (
            is_fenced
            and len(options) == 1
            and own.save_base is models.Model.save_base
            and own._save_table is models.Model._save_table  # type: ignore[attr-defined]
            and own._do_update is FencedModel._do_update
        )

    def _save_stages(self) -> None:
        """Save what changes at a boundary by one UPDATE that carries the fence, signals and all.

        Django's own way takes three times as long: it looks at each table of the class.
        """
        using = router.db_for_write(type(self), instance=self)
        told = {"raw": False, "using": using, "update_fields": _STAGE_FIELDS}
        pre_save.send(sender=type(self), instance=self, **told)
        if not self._rows_of_run(using).update(**{n: getattr(self, n) for n in STAGE_COLUMNS}):
            self._lose_fence()
        self._state.db = using
        post_save.send(sender=type(self), instance=self, created=False, **told)

    def _rows_of_run(self, using: str) -> Any:
        """Return the operation's row as long as the run owns it, as a query: made once a run."""
        key, rows = self._run_query
        if key != (self.pk, self.fence, using):
            owner: Any = self._meta.get_field("run_id").model
            rows = owner._base_manager.using(using).filter(pk=self.pk, run_id=self.fence)
            self._run_query = ((self.pk, self.fence, using), rows)
        return rows

    def _lose_fence(self) -> NoReturn:
        raise FenceLost(f"Run {self.fence} no longer owns operation {self.pk}.")

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
        stored: dict[str, Any] = vars(self).setdefault("_stored", {})
        for name in RUN_COLUMNS:
            if names is None or name in names:
                value: Any = self.__dict__.get(name, self.__dict__.get(f"{name}_id"))
                is_flat = name == "stage_states" and type(value) is dict  # of texts by name
                stored[name] = dict(value) if is_flat else deepcopy(value)

    # Django 5.2 and 6.0 differ in what follows update_fields.
    def _do_update(  # pyright: ignore[reportIncompatibleMethodOverride]
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
        update: Any = super()._do_update
        if update_fields is not None and not values:
            # None of them is a column of this table, so Django sends no statement to be fenced.
            return update(base_qs, using, pk_val, values, update_fields, *more)
        fenced = base_qs if self.fence is None else self._fenced(base_qs, using, pk_val)
        updated = update(fenced, using, pk_val, values, update_fields, *more)
        if self.fence is not None and not updated:
            self._lose_fence()
        return updated

    def _fenced(self, base_qs: Any, using: str, pk_val: Any) -> Any:
        owner = self._meta.get_field("run_id").model
        if base_qs.model is owner:
            return base_qs.filter(run_id=self.fence)
        claimed = owner._base_manager.using(using).filter(pk=pk_val, run_id=self.fence)
        return base_qs.filter(pk__in=claimed.values("pk"))

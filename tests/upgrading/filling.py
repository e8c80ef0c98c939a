"""Rows in every table of any migration's state, whatever fields it has."""

import uuid
from collections.abc import Iterator
from typing import Any

from django.db import models
from django.utils import timezone

from liveops.states import State

STAGES = {"Pack": "done", "Sail": "interrupted"}
TEXT = "Grüße & <b>"

_MOMENT = timezone.now().replace(microsecond=123456)
_BEGUN = {"started_on": _MOMENT}
_ENDED = {**_BEGUN, "finished_on": _MOMENT}
_UNBEGUN = {"started_on": None, "finished_on": None}
_BY_STATE: dict[State, dict[str, Any]] = {
    State.NOT_STARTED: {},
    State.STARTED: _BEGUN,
    State.FINISHED_OK: {**_ENDED, "finished_successfully": True},
    State.FINISHED_ERROR: _ENDED,
    State.CANCELLED: {**_ENDED, "cancelled": True},
    State.INTERRUPTED: {**_ENDED, "interrupted": True},
}
# What pages and lists understand; all other fields get anything of their type.
_MEANINGFUL = {
    "operation_type": "testapp.Voyage",
    "language": "en",
    "result_context": {"kept": [1, TEXT]},
    "stage_states": STAGES,
    "next_operation": None,
    "level": "warning",
    "status_level": "warning",
    "outcome": "done",
    "stage": "Pack",
    "action": "cancel",
    "result": {"kept": TEXT},
    "unit": "bag",
}
_BY_TYPE: list[tuple[Any, Any]] = [
    (models.DateTimeField, _MOMENT),
    (models.FloatField, 12.5),
    (models.IntegerField, 3),
    (models.CharField, TEXT),
    (models.TextField, TEXT),
]


def fill(tables: Any, user: Any) -> dict[State, Any]:
    """Make an operation in each state, a chain, and a row for each of them in every other table.

    Args:
        tables: the historical apps.
        user: who owns them, of a historical model or not.

    Returns:
        The primary keys of the operations by state.
    """
    operations = tables.get_model("liveops", "LiveOperation")
    others = [
        model for model in tables.get_app_config("liveops").get_models() if model is not operations
    ]
    made = {}
    for state, values in _BY_STATE.items():
        given = {"owner_id": user.pk, **_UNBEGUN, **values}
        operation = operations.objects.create(**dict(_values(operations, given)))
        made[state] = operation.pk
        for model in others:
            given = {"operation_id": operation.pk}
            if any(field.name == "user" for field in model._meta.fields):
                given["user_id"] = user.pk
            model.objects.create(**dict(_values(model, given)))
    if any(field.name == "next_operation" for field in operations._meta.fields):
        first = operations.objects.filter(pk=made[State.FINISHED_OK])
        first.update(next_operation_id=made[State.FINISHED_ERROR])
    return made


def _values(model: Any, given: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from given.items()
    for field in model._meta.fields:
        if field.attname in given or field.name in given or getattr(field, "generated", False):
            continue
        if field.name in _MEANINGFUL:
            yield field.attname, _MEANINGFUL[field.name]
        elif isinstance(field, models.UUIDField):
            yield field.attname, uuid.uuid4()
        elif not field.primary_key and not isinstance(
            field, models.BooleanField | models.JSONField
        ):
            for kind, value in _BY_TYPE:
                if isinstance(field, kind):
                    yield field.attname, value
                    break


def stored(tables: Any) -> dict[str, dict[Any, dict[str, Any]]]:
    """Return all that the tables hold: by model and primary key, the values of the columns."""
    return {
        model._meta.model_name: {
            row[model._meta.pk.attname]: row
            for row in model._base_manager.values(
                *(field.attname for field in model._meta.fields if not field.generated)
            )
        }
        for model in tables.get_app_config("liveops").get_models()
    }

"""What a command line says about an operation: its class, its owner, its fields."""

from contextlib import ExitStack
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import NON_FIELD_ERRORS, FieldDoesNotExist, ValidationError
from django.core.files import File
from django.core.management.base import CommandError
from django.db import models, router, transaction
from django.forms import fields_for_model

from liveops.models import LiveOperation


def model_of(label: str) -> type[LiveOperation] | None:
    """Return the operation class with a label, or None."""
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError):
        return None
    return model if issubclass(model, LiveOperation) and model is not LiveOperation else None


def find_model(label: str) -> type[LiveOperation]:
    """Return the operation class with a label; CommandError says which there are."""
    model = model_of(label)
    if model is None:
        known = sorted(
            m._meta.label
            for m in apps.get_models()
            if issubclass(m, LiveOperation) and m is not LiveOperation
        )
        raise CommandError(
            f"{label!r} is not an operation. There are: {', '.join(known) or 'none'}."
        )
    return model


def find_owner(name: str | None) -> Any:
    """Return the user with a name, None without a name; users are never created here."""
    if name is None:
        return None
    user_model = get_user_model()
    users: Any = user_model._default_manager
    try:
        return users.get_by_natural_key(name)
    except (user_model.DoesNotExist, UnicodeEncodeError) as error:  # no name is not UTF-8
        raise CommandError(
            f"There is no user {name!r}; create one, or leave --owner out."
        ) from error


def create(
    model: type[LiveOperation],
    owner: Any,
    settings: list[str],
    stages_to_run: list[str] | None,
    *,
    dry_run: bool,
) -> LiveOperation:
    """Return a saved operation with the values of ``--set``, checked as a form would.

    Raises:
        CommandError: a value is refused, or these stages alone cannot be run.
    """
    if (problem := model.why_not_only(stages_to_run)) is not None:
        raise CommandError(f"--stage: {problem}")
    with ExitStack() as files:
        values = _checked(model, _parsed(model, settings, files))
        operation = model(owner=owner, stages_to_run=stages_to_run)
        if dry_run:
            operation.dry_run = True
        many = {name for name in values if model._meta.get_field(name).many_to_many}
        for name in values.keys() - many:
            _own_field(model, name).save_form_data(operation, values[name])
        try:
            operation.full_clean()
        except ValidationError as error:
            raise _refusal(error.message_dict) from error
        with transaction.atomic(using=router.db_for_write(model)):
            operation.save()
            for name in many:
                getattr(operation, name).set(values[name])
    # Loaded anew: the files are closed, and come from the storage from now on.
    stored = model._base_manager.using(operation._state.db).get(pk=operation.pk)
    if dry_run:
        stored.dry_run = True  # also where a class has replaced what stores it
    return stored


def _parsed(
    model: type[LiveOperation], settings: list[str], files: ExitStack
) -> dict[str, list[Any]]:
    given: dict[str, list[Any]] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise CommandError(f"--set takes FIELD=VALUE; got {setting!r}.")
        if value != value.encode("utf-8", "replace").decode():
            raise CommandError(f"--set {name!a}: the value is not valid UTF-8.")
        field = _own_field(model, name)
        read: Any = value
        if isinstance(field, models.FileField):
            read = files.enter_context(_open(name, value))
        elif isinstance(field, models.BooleanField):
            read = _truth(name, value, optional=field.null)
        given.setdefault(name, []).append(read)
    return given


def _checked(model: type[LiveOperation], given: dict[str, list[Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    problems: dict[str, list[str]] = {}
    for name, form_field in fields_for_model(model, fields=list(given)).items():
        many = model._meta.get_field(name).many_to_many
        try:
            values[name] = form_field.clean(given[name] if many else given[name][-1])
        except ValidationError as error:
            problems[name] = error.messages
    if problems:
        raise _refusal(problems)
    return values


def _refusal(problems: dict[str, list[str]]) -> CommandError:
    return CommandError(
        "\n".join(
            " ".join(messages if name == NON_FIELD_ERRORS else [f"--set {name}:", *messages])
            for name, messages in problems.items()
        )
    )


def _truth(name: str, value: str, *, optional: bool) -> bool | None:
    if optional and not value:
        return None
    for answer, words in ((True, ("true", "yes", "on", "1")), (False, ("false", "no", "off", "0"))):
        if value.lower() in words:
            return answer
    raise _refusal({name: [f"write true or false, not {value!r}."]})


def own_fields(model: type[LiveOperation]) -> list[Any]:
    """Return the fields that ``--set`` can give a value."""
    return [
        field
        for field in model._meta.get_fields()
        if isinstance(field, models.Field) and field.editable and not field.auto_created
    ]


def _own_field(model: type[LiveOperation], name: str) -> Any:
    names = [field.name for field in own_fields(model)]
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        field = None
    if field is None or name not in names:
        close = get_close_matches(name, names, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise CommandError(
            f"{model._meta.label} has no field {name!r} to set.{hint} "
            f"Fields: {', '.join(names) or 'none'}."
        )
    return field


def _open(name: str, value: str) -> File:  # type: ignore[type-arg]
    path = Path(value)
    try:
        return File(path.open("rb"), name=path.name)
    except OSError as error:
        raise CommandError(f"--set {name}: cannot read {value!r}: {error.strerror}.") from error

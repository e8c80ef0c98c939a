"""``manage.py run_liveop``: an operation in the terminal."""

import signal
import sys
import threading
from argparse import ArgumentParser
from contextlib import ExitStack
from difflib import get_close_matches
from pathlib import Path
from types import FrameType
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import NON_FIELD_ERRORS, FieldDoesNotExist, ValidationError
from django.core.files import File
from django.core.management.base import BaseCommand, CommandError
from django.db import connections, models, router, transaction
from django.forms import fields_for_model

from liveops import control, store
from liveops.exceptions import InvalidStateError
from liveops.models import LiveOperation
from liveops.progress.pumps import suitable_pump
from liveops.runners.executor import execute
from liveops.sinks.sender import sender
from liveops.sinks.text import TextSink
from liveops.states import State

EXIT_STATUS = {State.FINISHED_OK: 0, State.CANCELLED: 130, State.INTERRUPTED: 130}
"""Exit status by final state; 1 for every other."""

_SEND_SECONDS = 5.0


class Command(BaseCommand):
    """Create an operation, carry it out here, and say with the exit status how it ended."""

    help = (
        "Run an operation in the terminal. Exit status: 0 success, 1 failed, 130 cancelled. "
        "Ctrl-C cancels at the operation's next step; a second Ctrl-C stops it at once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the command line."""
        parser.add_argument("model", help="the operation's class, as app_label.ModelName")
        parser.add_argument("--owner", metavar="NAME", help="user name of the operation's owner")
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="FIELD=VALUE",
            dest="values",
            help="value of one of the operation's fields; a path for a file; may be repeated",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the operation.

        Raises:
            CommandError: an unknown class, user or field, or a value that its field refuses.
            SystemExit: with the exit status, unless it is 0.
        """
        model = find_model(options["model"])
        operation = create(model, find_owner(options["owner"]), options["values"])
        # The wrapper around it would end every write of the bar with a line break.
        stream = getattr(self.stdout, "_out", sys.stdout)
        try:
            with Signals(operation):
                state = execute(
                    operation,
                    pump=suitable_pump(store.alias_of(operation)),
                    sinks=[TextSink(stream)],
                )
        except KeyboardInterrupt:
            state = State.INTERRUPTED
        finally:
            sender().flush(_SEND_SECONDS)
        status = 1 if state is None else EXIT_STATUS.get(state, 1)
        if status:
            sys.exit(status)


def find_model(label: str) -> type[LiveOperation]:
    """Return the operation class with a label; CommandError says which there are."""
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError):
        model = None
    if model is None or not issubclass(model, LiveOperation) or model is LiveOperation:
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
    try:
        return user_model._default_manager.get_by_natural_key(name)
    except user_model.DoesNotExist as error:
        raise CommandError(
            f"There is no user {name!r}; create one, or leave --owner out."
        ) from error


def create(model: type[LiveOperation], owner: Any, settings: list[str]) -> LiveOperation:
    """Return a saved operation with the values of ``--set``, checked as a form would."""
    with ExitStack() as files:
        values = _checked(model, _parsed(model, settings, files))
        operation = model(owner=owner)
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
    return model._base_manager.using(operation._state.db).get(pk=operation.pk)


def _parsed(
    model: type[LiveOperation], settings: list[str], files: ExitStack
) -> dict[str, list[Any]]:
    given: dict[str, list[Any]] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise CommandError(f"--set takes FIELD=VALUE; got {setting!r}.")
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


def _own_field(model: type[LiveOperation], name: str) -> Any:
    names = [
        field.name
        for field in model._meta.get_fields()
        if isinstance(field, models.Field) and field.editable and not field.auto_created
    ]
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


class Signals:
    """Turns Ctrl-C into a cancel, a second one and SIGTERM into an immediate stop.

    Args:
        operation: the operation that the main thread is about to run.
    """

    def __init__(self, operation: LiveOperation) -> None:
        self._operation = operation
        self._asked = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self._before = {
                signal.SIGINT: signal.signal(signal.SIGINT, self._on_interrupt),
                signal.SIGTERM: signal.signal(signal.SIGTERM, self._on_terminate),
            }

    def __exit__(self, *exc: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
        sys.stderr.write("Cancelling… Press Ctrl-C again to stop at once.\n")
        # In a thread: the main one may hold a lock that cancelling needs.
        threading.Thread(target=self._cancel, name="liveops-cancel", daemon=True).start()

    def _on_terminate(self, number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    def _cancel(self) -> None:
        try:
            control.cancel(self._operation)
        except InvalidStateError as error:
            sys.stderr.write(f"{error}\n")
        finally:
            connections.close_all()

"""System checks: settings and operation classes that cannot work are found before anything runs."""

import inspect
from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register

from liveops import conf
from liveops.exceptions import ConfigurationError
from liveops.models import LiveOperation
from liveops.stages import name_problems

_SHIPPED_LAYER = "channels.layers.InMemoryChannelLayer"


@register("liveops")
def check_settings(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """Check the ``LIVEOPS`` dict and the channel layer."""
    given = getattr(settings, "LIVEOPS", {})
    found: list[CheckMessage] = [
        Error(problem, id="liveops.E001") for problem in conf.problems(given)
    ]
    if found:
        return found
    try:
        runner = conf.load_runner()
    except ConfigurationError as error:
        return [Error(str(error), id="liveops.E002")]
    if not callable(getattr(runner, "submit", None)) or inspect.isabstract(runner):
        return [
            Error(
                f"LIVEOPS['RUNNER'] is {conf.runner_path()!r}, which is not a runner class.",
                hint="Subclass liveops.runners.base.Runner and write enqueue().",
                id="liveops.E002",
            )
        ]
    return [*_layer_messages(), *_database_messages()]


@register("liveops")
def check_operations(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """Check every operation class: its stages, and that there is something to run."""
    found: list[CheckMessage] = []
    for model in apps.get_models():
        if not issubclass(model, LiveOperation) or model is LiveOperation:
            continue
        found.extend(
            Error(f"{model._meta.label}: {problem}", obj=model, id="liveops.E003")
            for problem in name_problems(model.stages)
        )
        if model.run is LiveOperation.run:
            found.append(
                Error(
                    f"{model._meta.label} has no run() method.",
                    hint="Write run(self, p).",
                    obj=model,
                    id="liveops.E004",
                )
            )
        elif len(inspect.signature(model.run).parameters) < 2:
            found.append(
                Error(
                    f"{model._meta.label}.run() takes no progress argument.",
                    hint="Write run(self, p).",
                    obj=model,
                    id="liveops.E004",
                )
            )
    return found


def _database_messages() -> list[CheckMessage]:
    database = settings.DATABASES.get("default", {})
    if not str(database.get("ENGINE", "")).endswith("sqlite3") or (
        conf.runner_path() == conf.RUNNERS["eager"]
    ):
        return []
    mode = str(database.get("OPTIONS", {}).get("transaction_mode", "")).upper()
    if mode in ("IMMEDIATE", "EXCLUSIVE"):
        return []
    return [
        checks.Warning(
            "Operations that run beside each other on SQLite can fail with “database is locked”.",
            hint="Set transaction_mode to IMMEDIATE in the database's OPTIONS.",
            id="liveops.W003",
        )
    ]


def _layer_messages() -> list[CheckMessage]:
    layers = getattr(settings, "CHANNEL_LAYERS", {})
    if "default" not in layers:
        return [
            checks.Warning(
                "There is no default channel layer, so pages are not updated live.",
                hint="Set CHANNEL_LAYERS, for one process to liveops.layers.InMemoryChannelLayer.",
                id="liveops.W001",
            )
        ]
    if layers["default"].get("BACKEND") == _SHIPPED_LAYER:
        return [
            checks.Warning(
                f"{_SHIPPED_LAYER} delivers late what other threads send.",
                hint="Use liveops.layers.InMemoryChannelLayer instead.",
                id="liveops.W002",
            )
        ]
    return []

"""What is checked for a runner whose operations run in other processes than the pages."""

from collections.abc import Callable, Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.db import router

from liveops.models import LiveOperation

_IN_MEMORY_LAYERS = {
    "channels.layers.InMemoryChannelLayer",
    "liveops.layers.InMemoryChannelLayer",
}


def operation_classes() -> Iterator[type[LiveOperation]]:
    """Yield every operation class of the project."""
    for model in apps.get_models():
        if issubclass(model, LiveOperation) and model is not LiveOperation:
            yield model


def check_apart(name: str, why_not: Callable[[dict[str, Any]], str | None]) -> list[CheckMessage]:
    """Return what keeps operations and pages in different processes from knowing of each other.

    Args:
        name: the name of the runner.
        why_not: returns why it does not take the ``runner_options`` of a class, or nothing.
    """
    return [*_layer_messages(name), *_database_messages(name), *_option_messages(why_not)]


def _layer_messages(name: str) -> list[CheckMessage]:
    layer = (getattr(settings, "CHANNEL_LAYERS", None) or {}).get("default", {})
    if layer.get("BACKEND") not in _IN_MEMORY_LAYERS:
        return []
    return [
        CheckWarning(
            f"With the runner {name!r} operations run in other processes, which cannot send to a "
            "channel layer in memory: pages follow them only every 2 seconds.",
            hint="Use a layer that joins processes, such as channels_redis.core.RedisChannelLayer: "
            "pip install 'django-live-operations[redis]', and set CHANNEL_LAYERS.",
            id="liveops.W021",
        )
    ]


def _database_messages(name: str) -> list[CheckMessage]:
    database = settings.DATABASES.get(router.db_for_write(LiveOperation), {})
    where = str(database.get("NAME", ""))
    is_sqlite = str(database.get("ENGINE", "")).endswith("sqlite3")
    if not is_sqlite or not (where in ("", ":memory:") or "mode=memory" in where):
        return []
    return [
        Error(
            f"With the runner {name!r} operations run in other processes, which cannot see a "
            "database in memory.",
            hint="Give the database a file, or use a server such as PostgreSQL.",
            id="liveops.E021",
        )
    ]


def _option_messages(why_not: Callable[[dict[str, Any]], str | None]) -> Iterator[CheckMessage]:
    for model in operation_classes():
        options: object = model.runner_options
        if not isinstance(options, dict) or not all(isinstance(key, str) for key in options):
            problem: str | None = f"they must be a dict with names as keys, not {options!r}."
        else:
            problem = why_not(options)
        if problem:
            yield Error(
                f"{model._meta.label}.runner_options are not what the runner takes: {problem}",
                hint="Write what it takes, such as runner_options = {'queue': 'imports'}, or "
                "leave it out.",
                obj=model,
                id="liveops.E022",
            )

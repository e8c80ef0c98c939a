"""The settings that a site is composed of."""

from pathlib import Path
from typing import Any, Literal

from tests.engines.servers import Postgres, Redis
from tests.settings import INSTALLED_APPS, SQLITE

Layer = Literal["memory", "core", "pubsub"]
Tasks = Literal["db", "rq"]

_LAYERS = {
    "memory": "liveops.layers.InMemoryChannelLayer",
    "core": "channels_redis.core.RedisChannelLayer",
    "pubsub": "channels_redis.pubsub.RedisPubSubChannelLayer",
}
_TASK_BACKENDS = {"db": "django_tasks_db.DatabaseBackend", "rq": "django_tasks_rq.RQBackend"}
_TASK_APPS = {"db": ["django_tasks_db"], "rq": ["django_rq"]}
_LABELS = {"django_tasks_db": "django_tasks_database"}


def sqlite(path: Path) -> dict[str, Any]:
    """Return the database settings of a file."""
    return {**SQLITE, "NAME": str(path), "TEST": {}}


def postgresql(server: Postgres, name: str) -> dict[str, Any]:
    """Return the database settings of a database of a server."""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": server.user,
        "HOST": "127.0.0.1",
        "PORT": str(server.port),
        "TEST": {},
    }


def app_settings(tasks: Tasks | None) -> dict[str, Any]:
    """Return the apps of a site, whose tables are made from the models.

    That takes a third of the time that the migrations take.
    """
    apps = [*INSTALLED_APPS, *_TASK_APPS.get(tasks or "", [])]
    labels = [_LABELS.get(app, app.rpartition(".")[2]) for app in apps]
    return {"INSTALLED_APPS": apps, "MIGRATION_MODULES": dict.fromkeys(labels)}


def layer_settings(layer: Layer, redis: Redis | None, name: str) -> dict[str, Any]:
    """Return the channel layer of a site; sites share a server, so each has a prefix."""
    settings: dict[str, Any] = {"BACKEND": _LAYERS[layer]}
    if layer != "memory":
        assert redis is not None
        settings["CONFIG"] = {"hosts": [redis.url], "prefix": name}
    return settings


def broker_settings(
    tasks: Tasks | None, redis: Redis | None, name: str, number: int
) -> dict[str, Any]:
    """Return the settings of what hands operations over, with a queue of each site's own."""
    found: dict[str, Any] = {}
    if redis is not None:
        found["CELERY_BROKER_URL"] = redis.url
        found["CELERY_TASK_DEFAULT_QUEUE"] = name
        found["CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP"] = True
        # The queue is called "default" in every site, so each has a database of Redis.
        url = f"{redis.url.removesuffix('0')}{1 + number % 15}"
        found["RQ_QUEUES"] = {"default": {"URL": url, "DEFAULT_TIMEOUT": 600}}
    if tasks is not None:
        found["TASKS"] = {"default": {"BACKEND": _TASK_BACKENDS[tasks], "QUEUES": []}}
    return found

"""Whether the databases can carry operations that run beside each other, and are told the truth."""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage
from django.db import router

from liveops import conf
from liveops.models import LiveOperation, LiveProgress, LogLine

_LOOKS = 20  # a router may choose among its replicas at random


def database_messages() -> list[CheckMessage]:
    """Return what is wrong with the databases of operations."""
    return [*_lock_messages(), *_router_messages()]


def _lock_messages() -> list[CheckMessage]:
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
            "DATABASES['default'] is SQLite without transaction_mode IMMEDIATE: operations that "
            "run beside each other can fail with “database is locked”.",
            hint="Write 'OPTIONS': {'transaction_mode': 'IMMEDIATE', 'timeout': 20} into "
            "DATABASES['default'].",
            id="liveops.W003",
        )
    ]


def _router_messages() -> list[CheckMessage]:
    """Return a warning if some of what was just written is read from another database."""
    elsewhere = sorted(model._meta.label for model in _models() if _reads_elsewhere(model))
    if not elsewhere:
        return []
    return [
        checks.Warning(
            f"DATABASE_ROUTERS read {', '.join(elsewhere)} from another database than they are "
            "written to; claims and states are read back at once, perhaps before they get there.",
            hint="Have db_for_read() return what db_for_write() does for these models, in each "
            "router of DATABASE_ROUTERS.",
            id="liveops.W007",
        )
    ]


def _models() -> list[Any]:
    operations = [model for model in apps.get_models() if issubclass(model, LiveOperation)]
    return [*operations, LiveProgress, LogLine]


def _reads_elsewhere(model: Any) -> bool:
    return {router.db_for_read(model) for _ in range(_LOOKS)} != {router.db_for_write(model)}

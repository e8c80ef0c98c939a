"""The database of the tests: a file of SQLite, or what an address names."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

VARIABLE = "LIVEOPS_TEST_DATABASE"
"""Holds the address, such as ``mariadb://root@127.0.0.1:3307/liveops``; the tests run on it."""

_ENGINES = {
    "mariadb": "django.db.backends.mysql",
    "mysql": "django.db.backends.mysql",
    "postgresql": "django.db.backends.postgresql",
}


def from_address(address: str) -> dict[str, Any]:
    """Return what Django's settings say of a database.

    Raises:
        ImproperlyConfigured: the address is of another kind.
    """
    parts = urlsplit(address)
    engine = _ENGINES.get(parts.scheme)
    if engine is None:
        raise ImproperlyConfigured(f"{VARIABLE} begins with one of {', '.join(_ENGINES)}.")
    settings = {
        "ENGINE": engine,
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "TEST": {},
    }
    load_driver(settings)
    return settings


def for_process(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that put a process with ``tests.settings`` on a database.

    Args:
        settings: those of a connection of this process.
    """
    if settings["ENGINE"].endswith("sqlite3"):
        return {"LIVEOPS_TEST_DB": str(settings["NAME"]), VARIABLE: ""}
    kind = "mariadb" if settings["ENGINE"].endswith(".mysql") else "postgresql"
    user = quote(settings["USER"], safe="")
    if settings["PASSWORD"]:
        user += f":{quote(settings['PASSWORD'], safe='')}"
    return {VARIABLE: f"{kind}://{user}@{settings['HOST']}:{settings['PORT']}/{settings['NAME']}"}


def load_driver(settings: Mapping[str, Any]) -> None:
    """Let Django find the driver of MariaDB.

    Django imports mysqlclient, which comes as source code only and needs a compiler; PyMySQL comes
    as a wheel for every Python, and takes its place. It is asked for only where it is needed.
    """
    if settings["ENGINE"].endswith(".mysql"):
        import_module("pymysql").install_as_MySQLdb()

"""Measuring on a PostgreSQL server instead of SQLite."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import call_command
from django.db import connections

from liveops.progress import pumps
from scripts import ensure_parts
from tests.engines.servers import Postgres


class _Durable(Postgres):
    """Confirms a commit when it is on the disk, as servers do that nobody has set otherwise."""

    def command(self) -> list[str]:
        """Return the command."""
        return [*super().command(), "-c", "fsync=on", "-c", "full_page_writes=on"]


@contextmanager
def on_postgres() -> Iterator[None]:
    """Have this process work on a new PostgreSQL server until the block ends.

    Raises:
        RuntimeError: there is none on this machine.
    """
    programs = ensure_parts.find_postgres(os.environ)
    if programs is None:
        raise RuntimeError("PostgreSQL is not on this machine; `make test` brings it.")
    server, before = _Durable(programs), connections.settings["default"]
    server.start()
    try:
        config = {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": server.new_database(),
            "USER": server.user,
            "HOST": "127.0.0.1",
            "PORT": str(server.port),
        }
        connections["default"].close()
        connections.settings["default"] = connections.configure_settings({"default": config})[
            "default"
        ]
        del connections["default"]  # of this thread
        pumps._after_fork()  # the pump's thread has one to the other database
        call_command("migrate", verbosity=0)
        yield
        connections["default"].close()
    finally:
        connections.settings["default"] = before
        del connections["default"]
        pumps._after_fork()
        server.close()

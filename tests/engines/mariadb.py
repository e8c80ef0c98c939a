"""A real MariaDB server on a loopback port; see servers.py."""

import contextlib
import os
import shutil
import subprocess
import uuid
from importlib import import_module
from itertools import count
from typing import Any

from tests.databases import from_address
from tests.engines.servers import Server, folder_for_others, unprivileged

pymysql: Any = import_module("pymysql")  # there is no telling its types where it is not installed


def new_site_database(address: str) -> dict[str, Any]:
    """Make an empty database on the server of an address; return Django's settings of it."""
    settings = from_address(address)
    settings["NAME"] = f"site_{uuid.uuid4().hex}"
    server = {"host": settings["HOST"], "port": int(settings["PORT"]), "user": settings["USER"]}
    with contextlib.closing(pymysql.connect(**server)) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {settings['NAME']}")
    return settings


class MariaDB(Server):
    """A MariaDB server in a folder of its own; it keeps its data over a stop and a kill.

    Args:
        program: path of `mariadbd`.
        install: path of `mariadb-install-db`, which makes the folder.
    """

    name = "MariaDB"
    user = "root"

    def __init__(self, program: str, install: str) -> None:
        super().__init__(program, folder_for_others("mariadb"))
        self._numbers = count(1)
        self._account = unprivileged() if os.geteuid() == 0 else None
        self._data = self.folder / "data"
        if self._account is not None:
            os.chown(self.folder, self._account.pw_uid, self._account.pw_gid)
        made = subprocess.run(
            [
                *(install, "--no-defaults", f"--datadir={self._data}", "--skip-test-db"),
                "--auth-root-authentication-method=normal",
            ],
            capture_output=True,
            text=True,
            check=False,
            **self.options(),
        )
        assert made.returncode == 0, made.stdout + made.stderr

    def options(self) -> dict[str, Any]:
        """Return as whom and where it runs."""
        options: dict[str, Any] = {
            "cwd": self.folder,
            "env": {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        }
        if self._account is not None:
            ids = {"user": self._account.pw_uid, "group": self._account.pw_gid}
            options |= {**ids, "extra_groups": []}
        return options

    def command(self) -> list[str]:
        """Return the command.

        A commit is handed to the system before it is confirmed, but not forced onto the disk: it
        outlives every kill of a process, which is what tests do.
        """
        options = {
            "bind-address": "127.0.0.1",
            "port": self.port,
            "datadir": self._data,
            "socket": self.folder / "socket",
            "pid-file": self.folder / "pid",
            "character-set-server": "utf8mb4",
            "innodb-flush-log-at-trx-commit": 2,
            "innodb-buffer-pool-size": "64M",
            "max-connections": 200,
        }
        parts = [f"--{name}={value}" for name, value in options.items()]
        return [self.program, "--no-defaults", *parts]

    def answers(self) -> bool:
        """Return whether it takes connections."""
        try:
            self._connect().close()
        except pymysql.Error:
            return False
        return True

    def close(self) -> None:
        """Kill it and remove its data."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def address(self, database: str) -> str:
        """Return the address of a database."""
        return f"mariadb://{self.user}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """Make an empty database; return its name."""
        name = f"site_{next(self._numbers)}"
        with contextlib.closing(self._connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        return name

    def _connect(self) -> Any:
        return pymysql.connect(
            host="127.0.0.1", port=self.port, user=self.user, connect_timeout=2, autocommit=True
        )

"""Run a command beside a database server of its own.

Usage: ``python -m tests.engines.serving mariadb COMMAND [OPTION ...]``. The server begins and ends
with the command, which finds its address in ``LIVEOPS_TEST_DATABASE``.
"""

import os
import signal
import subprocess
import sys
from importlib import import_module

from scripts import ensure_parts
from tests.databases import VARIABLE
from tests.engines.servers import Postgres, Server


def _postgresql() -> tuple[Server, str]:
    programs = ensure_parts.find_postgres(os.environ)
    if programs is None:
        sys.exit("PostgreSQL is not on this machine.")
    server = Postgres(programs)
    server.start()
    return server, server.dsn(server.new_database())


def _mariadb() -> tuple[Server, str]:
    programs = ensure_parts.find_mariadb(os.environ)
    if programs is None:
        sys.exit("MariaDB is not on this machine.")
    # Its driver is only where a row of the matrix installed it.
    server = import_module("tests.engines.mariadb").MariaDB(*programs)
    server.start()
    return server, server.address(server.new_database())


KINDS = {"mariadb": _mariadb, "postgresql": _postgresql}


def main(arguments: list[str]) -> int:
    """Start the server, run the command, end the server; return the status of the command."""
    kind, *command = arguments
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the server ends then, too
    server, address = KINDS[kind]()
    try:
        variables = os.environ | {VARIABLE: address}
        return subprocess.run(command, env=variables, check=False).returncode
    finally:
        server.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Management commands as forks of one process that has loaded Django.

As a program it is that process.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.engines.forking import ROOT, ForkedProcess, ForkServer, serve, take_over_files


class CommandServer(ForkServer):
    """Runs management commands.

    Args:
        environment: the variables of all of them, with the settings of Django.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__(__name__, environment)

    def on_terminal(
        self, arguments: Sequence[str], terminal: int, **variables: str
    ) -> ForkedProcess:
        """Start a command whose controlling terminal is a file descriptor of the caller."""
        return self.start({"arguments": [*arguments], "variables": variables}, [terminal])

    def in_pipes(self, arguments: Sequence[str], out: int, errors: int) -> ForkedProcess:
        """Start a command that writes into file descriptors of the caller, and reads nothing."""
        with Path(os.devnull).open("rb") as nothing:
            order = {"arguments": [*arguments], "variables": {}}
            return self.start(order, [nothing.fileno(), out, errors])


def main() -> None:
    """Load Django, then fork for each order."""
    import django  # noqa: PLC0415  (the side of the tests needs it not)

    django.setup()
    _load_the_rest()
    serve(_be)


def _load_the_rest() -> None:
    """Load what a command would load by itself."""
    from django.core import checks  # noqa: PLC0415  (needs Django to be set up)
    from django.template.loader import get_template  # noqa: PLC0415

    from liveops.management.commands import run_liveop  # noqa: F401, PLC0415

    checks.run_checks()
    folder = ROOT / "liveops" / "templates"
    for path in folder.rglob("*.*"):
        get_template(str(path.relative_to(folder)))


def _be(order: dict[str, Any], files: list[int]) -> None:
    """Be the command."""
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    if len(files) == 1:
        os.login_tty(files[0])
    else:
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
    os.environ.update(order["variables"])
    take_over_files()
    # Django's own name for itself when it is called by ``python -m django``.
    sys.argv = ["__main__.py", *order["arguments"]]
    execute_from_command_line()


if __name__ == "__main__":
    main()

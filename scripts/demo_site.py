"""Bring the example's database up to date and serve it: ``python -m scripts.demo_site PORT``.

All in one process, because loading Django is most of what a start costs. It runs in the virtual
environment; `scripts.demo` starts and ends it.
"""

import os
import sys

import django
from daphne.cli import CommandLineInterface
from django.core.management import call_command

from scripts import demo, environment


def main(port: str) -> None:
    """Migrate, make the demo login, then serve on `port` until a signal ends it."""
    sys.path.insert(0, str(environment.ROOT / "example_project"))
    os.environ["DJANGO_SETTINGS_MODULE"] = "example.settings"
    django.setup()
    with environment.lock(environment.ROOT / ".venv.lock"):  # two migrations at once would collide
        call_command("migrate", verbosity=0, skip_checks=True)
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123  (os.devnull is no path)
            call_command("seed_demo", stdout=nowhere)
    options = ["--verbosity", "0", "--bind", demo.HOST, "--port", port]
    CommandLineInterface().run([*options, "example.asgi:application"])


if __name__ == "__main__":
    main(sys.argv[1])

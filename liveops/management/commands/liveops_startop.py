"""``manage.py liveops_startop``: a first operation and its test are written into an app."""

from argparse import ArgumentParser
from difflib import unified_diff
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from liveops.naming import snake_case
from liveops.startop.asking import find_app, require_name, require_stages
from liveops.startop.errors import CannotWriteError
from liveops.startop.places import Change, changes, write_all
from liveops.startop.text import Operation

_STAGES = ["Prepare", "Process"]

_NEXT = """
Next:
    python manage.py makemigrations {app}
    python manage.py migrate
    python manage.py test {package}
    python manage.py run_liveop {app}.{name}

A form that starts it, in urls.py:
    from liveops.views import CreateLiveOperationView
    from {package}.models import {name}

    path("{slug}/", CreateLiveOperationView.as_view(model={name}, fields=[]), name="{slug}"),
"""


class Command(BaseCommand):
    """Write an operation class into an app's models, and its test beside them."""

    help = (
        "Write a first operation into an app of yours, and a test of it: into models.py and "
        "tests.py, or as new modules where these are packages. Nothing is overwritten."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the arguments."""
        parser.add_argument("app", help="label of the app")
        parser.add_argument("name", help="name of the class, such as ImportAirports")
        parser.add_argument(
            "--stages",
            nargs="+",
            default=_STAGES,
            metavar="STAGE",
            help=f"names of its stages (default: {' '.join(_STAGES)})",
        )
        kinds = parser.add_mutually_exclusive_group()
        kinds.add_argument(
            "--methods",
            action="store_true",
            help="a method for each stage, which can be skipped, retried and resumed (default)",
        )
        kinds.add_argument(
            "--blocks", action="store_true", help="a run() with a block for each stage instead"
        )
        parser.add_argument(
            "--async", action="store_true", dest="is_async", help="make the methods async"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="only show what would be written"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it, or show it.

        Raises:
            CommandError: there is no such app, a name will not do, or something is in the way.
        """
        has_methods = not options["blocks"]
        try:
            app = find_app(options["app"])
            require_name(app, options["name"])
            require_stages(options["stages"], has_methods=has_methods)
            stages = tuple(options["stages"])
            operation = Operation(options["name"], stages, has_methods, options["is_async"])
            planned = changes(app, operation)
            if options["dry_run"]:
                self._show(planned)
                return
            write_all(planned)
        except CannotWriteError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error
        for change in planned:
            self.stdout.write(f"Wrote {_shown(change.path)}: {change.what}")
        slug = snake_case(operation.name).replace("_", "-")
        values = {"app": app.label, "package": app.name, "name": operation.name, "slug": slug}
        self.stdout.write(_NEXT.format(**values).rstrip())

    def _show(self, planned: list[Change]) -> None:
        for change in planned:
            name = _shown(change.path)
            before = [] if change.before is None else change.before.splitlines()
            lines = unified_diff(
                before,
                change.after.splitlines(),
                "/dev/null" if change.before is None else name,
                name,
                lineterm="",
            )
            for line in lines:
                self.stdout.write(line)


def _shown(path: Path) -> str:
    """Return a path as one would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)

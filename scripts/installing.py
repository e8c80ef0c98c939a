"""Install packages into environments other than `.venv`, by uv with the settings of pip."""

from collections.abc import Sequence
from pathlib import Path

from scripts import environment, pip_settings


class Uv:
    """Installs into one environment.

    Args:
        python: the interpreter of the environment.

    Raises:
        CommandError: uv cannot be had.
    """

    def __init__(self, python: Path) -> None:
        self._python = str(python)
        self._program = str(environment.ensure_tool("install", "uv"))
        pip = [str(environment.tool_python("install")), "-m", "pip", "config", "list"]
        listing = environment.run_quietly(pip, "pip could not tell its settings.")
        try:
            self._settings = pip_settings.translated(listing, environment.clean_environ())
        except pip_settings.UntranslatableError as error:
            message = f"pip's setting {error} is none of uv's."
            raise environment.CommandError(message) from error

    def install(self, *what: str) -> None:
        """Install what the arguments say, as those of ``uv pip install``.

        Raises:
            CommandError: a package cannot be had, or two do not go together.
        """
        settings = self._settings
        if "--require-hashes" in what:
            settings = pip_settings.of_pinned(settings)
        command = [self._program, "pip", "install", "--python", self._python, *settings.options]
        environment.run_quietly(
            [*command, *what], "uv could not install the packages.", self._variables()
        )

    def write_oldest(self, path: Path, python: str, django: str, extras: Sequence[str]) -> None:
        """Write the oldest versions that pyproject.toml allows, for what follows from them too.

        What a package needs is at its newest: only of what this one asks for by name is the bound
        its own promise.

        Args:
            path: where; a file of constraints.
            python: the version that they are for.
            django: a series; its oldest version is taken.
            extras: those of pyproject.toml that count, beside what it always needs.

        Raises:
            CommandError: no such versions go together.
        """
        series = path.with_name("series.txt")
        series.write_text(f"django=={django}.*\n", encoding="utf-8")
        chosen = [part for extra in extras for part in ("--extra", extra)]
        command = [self._program, "pip", "compile", "--quiet", "--resolution", "lowest-direct"]
        which = ["--python-version", python, "--constraint", str(series)]
        output = ["--output-file", str(path), "--no-header", "--no-annotate"]
        environment.run_quietly(
            [*command, *which, *output, *chosen, *self._settings.options, "pyproject.toml"],
            "The oldest versions do not go together.",
            self._variables(),
        )

    def _variables(self) -> dict[str, str]:
        return environment.clean_environ() | self._settings.variables

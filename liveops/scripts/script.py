"""A script for the shell that is made of stages."""

import functools
import inspect
import subprocess
import sys
from argparse import Action, ArgumentParser, Namespace, _ArgumentGroup
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, NoReturn, TypeVar

from rich.console import Console, RenderableType
from rich.protocol import is_renderable
from rich.table import Table
from rich.text import Text

from liveops.scripts.arguments import (
    StageNames,
    add_retry_arguments,
    base_parser,
    check_stage_name,
    defined_stages,
    in_order,
    invocation,
)
from liveops.scripts.commands import command_text, pretty
from liveops.scripts.host import RETRY_DEFAULTS, ScriptHost
from liveops.scripts.markup import Plain, styled
from liveops.scripts.phases import StageDuration, StagePhases
from liveops.stages import Stage, make_stage
from liveops.summary import print_summary, timing_table

Body = TypeVar("Body", bound=Callable[..., Any])


class StagedScript(StagePhases):
    """The base of scripts that run commands in stages.

    Stages are methods with the decorator :meth:`stage`. Each is a sequence of phases, every one of
    them a method: overridden or extended it changes all stages, and with ``_STAGE_NAME`` appended
    to its name it is that stage's own.

    ====================================  ======================================================
    ``_run_pre_stage_actions()``          before all else
    ``_begin_stage(heading)``             at the beginning of each attempt
    the method itself, or                 the work, or what is done instead where the stage was
    ``_skip_stage()``                     not asked for
    ``_end_stage()``                      at the end of each attempt, an exception notwithstanding
    ``_prepare_to_retry_stage(state)``    after an attempt that raised ``RetryStage``, if there is
                                          to be another one
    ``_handle_stage_retry_error(retry)``  when there is to be none
    ``_run_post_stage_actions()``         after all else
    ====================================  ======================================================

    Args:
        stages: names of the stages that the command line offers; not necessarily of all there are.
        console_force_terminal: whether to print as to a terminal; None to find out.
        console_log_path: whether log lines say where in the source they come from.
        print_commands: whether :meth:`run` shows a command before it runs it.

    Attributes:
        args: the parsed command line.
        commands_executed: the shell commands that were run, in order.
        console: prints everything.
        current_stage: name of the stage that is being run; empty before the first one.
        dry_run: whether commands are shown instead of run.
        durations: of each attempt at each stage, skipped ones too, in order.
        print_commands: as given.
        retry_arg_group: the part of the parser that the options of retrying are in.
        script_name: file name of the script; the name of its class where there is no file.
        script_stem: the same without extension.
        script_success: whether all is well; set it as you see fit. A stage that uses up its
            attempts sets it to False, before ``_handle_stage_retry_error()`` runs.
        stage_start_time: when the current attempt began.
        stages: as given; gone through in order of definition.
        stages_to_run: names of the stages that ``--stage`` asked for.
        start_time: when the script was created.

    For each of ``stages`` there are also ``STAGE_NAME_retry_attempts``, ``STAGE_NAME_retry_delay``
    and ``STAGE_NAME_retry_timeout`` (in seconds), set by :meth:`parse_args`, and under the same
    names with ``_arg`` appended, set by :attr:`parser`, the options they come from.

    Raises:
        ValueError: the name of a stage is not made of the letters a to z.
    """

    retry_arg_group: _ArgumentGroup

    def __init__(
        self,
        stages: Collection[str],
        *,
        console_force_terminal: bool | None = None,
        console_log_path: bool = True,
        print_commands: bool = True,
    ) -> None:
        if isinstance(stages, str):
            raise TypeError(f"stages must be a set of names, such as {{{stages!r}}}.")
        for name in stages:
            check_stage_name(name)
        path = _script_path() or Path(type(self).__name__)
        self.args = Namespace()
        self.commands_executed: list[str] = []
        self.console = Console(force_terminal=console_force_terminal, log_path=console_log_path)
        self.current_stage = ""
        self.dry_run = False
        self.durations: list[StageDuration] = []
        self.print_commands = print_commands
        self.script_name = path.name
        self.script_stem = path.stem
        self.script_success = True
        self.start_time = datetime.now(tz=UTC)
        self.stage_start_time = self.start_time
        self.stages: set[str] = StageNames(stages, defined_stages(type(self)))
        self.stages_to_run: set[str] = set()
        self._open_stages: list[ScriptHost] = []
        self._argv: list[str] | None = None

    @staticmethod
    def stage(stage_name: str, heading: str) -> Callable[[Body], Body]:
        """Make a method a stage; raise ``RetryStage`` in it to have the stage tried again.

        What the method returns goes to the caller; that is None for a stage that was skipped or
        that used up its attempts. An ``async`` method may have ``async`` phases.

        Args:
            stage_name: letters from a to z; there is no other stage of this name in the class.
            heading: a sentence about what happens in the stage.

        Raises:
            ValueError: a name with anything else in it.
        """
        check_stage_name(stage_name)

        def decorate(body: Body) -> Body:
            is_async = inspect.iscoroutinefunction(body)
            return make_stage(
                Stage(stage_name, heading),
                body,
                lambda script: ScriptHost(script, is_async=is_async),
            )

        return decorate

    # The command line.

    @functools.cached_property
    def parser(self) -> ArgumentParser:
        """The parser of the command line; extend it in a subclass.

        Override it as a :func:`functools.cached_property` that takes ``super().parser``, sets a
        ``description``, adds arguments and returns it. ``set_defaults(stage=…)`` says which stages
        run unless told otherwise; retrying has defaults such as ``build_retry_attempts=3``. An
        option is hidden by ``argparse.SUPPRESS`` as its ``help``, for example that of
        ``self.build_retry_delay_arg``, and so are title and description of
        ``self.retry_arg_group``.
        """
        stages = in_order(self.stages, defined_stages(type(self)))
        parser = base_parser(stages)
        actions: dict[str, Action]
        self.retry_arg_group, actions = add_retry_arguments(parser, stages)
        for destination, action in actions.items():
            setattr(self, f"{destination}_arg", action)
        return parser

    def parse_args(self, argv: list[str]) -> None:
        """Parse the command line, and set the attributes that it decides on.

        Extend it to check arguments and to keep them as attributes.

        Args:
            argv: the arguments, without the name of the script.

        Raises:
            SystemExit: with the status 2, for arguments that the parser refuses.
        """
        self._argv = argv
        self.args = self.parser.parse_args(argv)
        self.dry_run = self.args.dry_run
        self.stages_to_run = set(self.args.stage or ())
        for stage in self.stages:
            for field in RETRY_DEFAULTS:
                name = f"{stage}_retry_{field}"
                setattr(self, name, getattr(self.args, name, None))

    def raise_parser_error(self, message: str) -> NoReturn:
        """Print the help and what is wrong with the command line, and exit.

        Raises:
            SystemExit: with the status 1, always.
        """
        self.parser.print_help()
        self.console.print()
        self.console.print(styled(self.console, message, "yellow"))
        raise SystemExit(1)

    # Commands.

    def run(
        self,
        command: str | Sequence[str],
        *,
        pretty_print: bool = False,
        print_command: bool | None = None,
        **kwargs: Any,
    ) -> CompletedProcess[Any]:
        """Run a command, unless this is a dry run, and record it.

        Args:
            command: the command; a string with arguments needs ``shell=True``, a list does not.
            pretty_print: whether to record it as :meth:`pretty_print_command` lays it out.
            print_command: whether to show it first; None for what the script was created with.
            kwargs: for :func:`subprocess.run`.

        Returns:
            What :func:`subprocess.run` returns; in a dry run a success that printed the command.
        """
        shown = command_text(command)
        if self.dry_run:
            self.print_dry_run_message(Plain(f"this would be executed: {shown}"))
            return CompletedProcess(args=f"echo {shown}", returncode=0, stdout=shown)
        self.commands_executed.append(self._recorded(shown) if pretty_print else shown)
        if self.print_commands if print_command is None else print_command:
            self.console.log(styled(self.console, Plain(f"Executing: {shown}")))
        kwargs.setdefault("check", False)
        return subprocess.run(command, **kwargs)  # noqa: PLW1510, S603 - set above; it is the script's own

    def _recorded(self, command: str) -> str:
        try:
            return self.pretty_print_command(command)
        except ValueError:
            return command  # not what shlex reads, but perhaps what the shell does

    def pretty_print_command(self, command: str, indent: int = 4) -> str:
        """Return a command laid out over several lines, one for each option or argument.

        Args:
            command: as it is typed in a shell.
            indent: by how many spaces the lines after the first are indented.

        Raises:
            ValueError: a quotation is not closed.
        """
        return pretty(command, indent)

    # The summary.

    def print_script_execution_summary(self, extra_sections: dict[str, Any] | None = None) -> None:
        """Print what was done: how to run it again, commands, durations, and the result.

        Args:
            extra_sections: details by heading, to be added, or to stand in for one of those that
                are always there; strings may hold markup of rich.
        """
        result = (
            Text("Success", "bold green") if self.script_success else Text("Failure", "bold red")
        )
        sections: dict[str, RenderableType] = {
            "Ran the following": invocation(self.parser, self.args, self._argv),
            "Commands executed": "\n".join(self.commands_executed) or "none",
            "Timing results": self._get_timing_report(),
            "Script result": result,
        }
        for heading, details in (extra_sections or {}).items():
            plain = isinstance(details, str) or not is_renderable(details)
            sections[heading] = styled(self.console, str(details)) if plain else details
        print_summary(self.console, f"{self.script_name}: summary of the script", sections)

    def _get_timing_report(self) -> Table:
        """Return the durations of all stages as a table."""
        return timing_table(self.durations, datetime.now(tz=UTC) - self.start_time)


def _script_path() -> Path | None:
    """Return the file that Python was started with; None for a prompt, ``-c`` or a pipe."""
    file = getattr(sys.modules["__main__"], "__file__", None)
    return Path(file) if file and not file.startswith("<") else None

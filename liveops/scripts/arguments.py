"""The command line of a script: its parser, the order of its stages, and how to run it again."""

import re
import shlex
from argparse import (
    Action,
    ArgumentDefaultsHelpFormatter,
    ArgumentParser,
    Namespace,
    RawDescriptionHelpFormatter,
    _ArgumentGroup,
)
from collections.abc import Iterable, Iterator, Sequence

from reverse_argparse import ReverseArgumentParser

from liveops.scripts.host import RETRY_DEFAULTS
from liveops.stages import stage_methods

_NAME = re.compile("[a-z]+")


class HelpFormatter(ArgumentDefaultsHelpFormatter, RawDescriptionHelpFormatter):
    """Show default values, and the description with the line breaks that it was written with."""


class StageNames(set[str]):
    """A set of stage names that is gone through in order of definition.

    Args:
        names: what is in the set.
        order: names as they are defined; those that are not among them come last, by alphabet.
    """

    _order: tuple[str, ...] = ()

    def __init__(self, names: Iterable[str] = (), order: Sequence[str] = ()) -> None:
        super().__init__(names)
        self._order = tuple(order)

    def __iter__(self) -> Iterator[str]:
        """Go through the names in order."""
        return iter(in_order(super().__iter__(), self._order))


def in_order(names: Iterable[str], order: Sequence[str]) -> list[str]:
    """Return names in the given order, followed by those that it does not know, by alphabet."""
    place = {name: position for position, name in enumerate(order)}
    return sorted(names, key=lambda name: (place.get(name, len(place)), name))


def defined_stages(script: type) -> list[str]:
    """Return the names of the stages that a class has methods for, in order of definition."""
    return list(dict.fromkeys(stage.name for stage in stage_methods(script).values()))


def check_stage_name(name: object) -> None:
    """Let a name of lower case letters pass.

    Raises:
        ValueError: it has anything else in it, or is empty, or is no string at all.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            f"A stage of a script is named with lower case letters from a to z only, since its "
            f"name becomes part of options and of methods; got {name!r}."
        )


def base_parser(stages: Sequence[str]) -> ArgumentParser:
    """Return a parser that knows ``--stage`` and ``--dry-run``."""
    parser = ArgumentParser(
        description="Run the stages of this script that --stage names.",
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--stage", choices=stages, nargs="+", help="The stages to run.")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="Show the shell commands, but do not run them.",
    )
    return parser


def add_retry_arguments(
    parser: ArgumentParser, stages: Sequence[str]
) -> tuple[_ArgumentGroup, dict[str, Action]]:
    """Add three options for each stage; return their group, and them by destination."""
    # A group that has a description is shown even if there is nothing in it.
    text = "How stages are tried again when they ask for it." if stages else None
    group = parser.add_argument_group("retry", text)
    actions = {}
    for stage in stages:
        for field, kind, text in (
            ("attempts", int, f"How many more times to try the {stage!r} stage."),
            ("delay", float, f"Seconds to wait before trying the {stage!r} stage again."),
            ("timeout", int, f"Seconds after which the {stage!r} stage is not tried again."),
        ):
            action = group.add_argument(
                f"--{stage}-retry-{field}",
                default=RETRY_DEFAULTS[field],
                type=kind,
                help=text,
            )
            actions[action.dest] = action
    return group, actions


def invocation(parser: ArgumentParser, args: Namespace, argv: Sequence[str] | None) -> str:
    """Return the command that runs the script again in the same way, defaults spelled out.

    Args:
        parser: what parsed the arguments.
        args: the result, as it is now.
        argv: what was parsed; shown as it is if the parser has arguments that cannot be traced
            back.
    """
    try:
        return ReverseArgumentParser(parser, args).get_pretty_command_line_invocation()
    except NotImplementedError:
        return shlex.join([parser.prog, *(argv or ())])

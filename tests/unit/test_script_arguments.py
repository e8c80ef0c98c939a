"""A script's command line: its options, their order and defaults, and what subclasses change."""

import argparse
import copy
import functools
import pickle
import shlex
from typing import Any

import pytest

from liveops.scripts import HelpFormatter, StagedScript
from liveops.scripts.arguments import StageNames, invocation
from tests.unit.test_script_stages import Traced


class Base(StagedScript):
    """Stages in an order that no alphabet has."""

    @StagedScript.stage("unpack", "Unpacking")
    def unpack(self) -> None:
        """Do nothing."""

    @StagedScript.stage("build", "Building")
    def build(self) -> None:
        """Do nothing."""


class Script(Base):
    """One more stage, and a parser of its own."""

    @StagedScript.stage("install", "Installing")
    def install(self) -> None:
        """Do nothing."""

    @functools.cached_property
    def parser(self) -> argparse.ArgumentParser:
        """Extend the parser."""
        parser = super().parser
        parser.description = "What this is:\n  a test."
        parser.add_argument("--colour", default="red", help="The colour.")
        parser.set_defaults(stage=list(self.stages), build_retry_attempts=4, build_retry_delay=0.5)
        for field in ("attempts", "delay", "timeout"):
            getattr(self, f"install_retry_{field}_arg").help = argparse.SUPPRESS
        return parser


STAGES = {"install", "build", "unpack"}


@pytest.mark.parametrize(
    "given", [STAGES, sorted(STAGES), tuple(STAGES), frozenset(STAGES)], ids=type
)
def test_options_come_in_order_of_definition(given: Any) -> None:
    script = Base(given)
    options = [a.option_strings[-1] for a in script.parser._actions]
    assert options == [
        "--help",
        "--stage",
        "--dry-run",
        *(
            f"--{stage}-retry-{field}"
            for stage in ("unpack", "build", "install")
            for field in ("attempts", "delay", "timeout")
        ),
    ]
    assert list(script.stages) == ["unpack", "build", "install"]


def test_the_set_of_names_is_a_set() -> None:
    names = StageNames({"a", "b", "c"}, ["c", "a"])
    assert list(names) == ["c", "a", "b"]
    assert names == {"a", "b", "c"}
    assert names - {"a"} == {"b", "c"}
    assert set(copy.copy(names)) == set(pickle.loads(pickle.dumps(names))) == names.copy() == names  # noqa: S301  (what was pickled on this line)
    assert repr(names) == "StageNames({'c', 'a', 'b'})"


def test_stages_may_be_registered_later() -> None:
    script = Base(set())
    script.stages = {"build", "unpack"}
    script.parse_args(["--stage", "build"])
    assert list(script.parser._option_string_actions)[-3].startswith("--build")


def test_what_the_options_default_to() -> None:
    script = Base({"build"})
    script.parse_args([])
    assert vars(script.args) == {
        "stage": None,
        "dry_run": False,
        "build_retry_attempts": 0,
        "build_retry_delay": 0,
        "build_retry_timeout": 60,
    }
    assert script.stages_to_run == set()
    assert not script.dry_run


def test_what_is_parsed_becomes_attributes() -> None:
    script: Any = Base(STAGES)
    script.parse_args(
        shlex.split(
            "--stage build unpack --dry-run --build-retry-attempts 3 --build-retry-delay 0.25 "
            "--build-retry-timeout 7"
        )
    )
    assert script.stages_to_run == {"build", "unpack"}
    assert script.dry_run
    limits = (script.build_retry_attempts, script.build_retry_delay, script.build_retry_timeout)
    assert limits == (3, 0.25, 7)
    assert script.unpack_retry_timeout == 60
    assert script.build_retry_delay_arg.option_strings == ["--build-retry-delay"]


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--stage", "test"], "invalid choice: 'test'"),
        (["--stage"], "expected at least one argument"),
        (["--build-retry-attempts", "1.5"], "invalid int value"),
        (["--build-retry-delay", "soon"], "invalid float value"),
        (["--build-retry-timeout", "1.5"], "invalid int value"),
        (["--test-retry-attempts", "1"], "unrecognized arguments"),
    ],
)
def test_what_the_parser_refuses(
    argv: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        Base(STAGES).parse_args(argv)
    assert caught.value.code == 2
    assert says in capsys.readouterr().err


def test_a_script_without_stages_has_no_options_for_them() -> None:
    script = StagedScript(set())
    assert "retry" not in script.parser.format_help()
    with pytest.raises(SystemExit):
        script.parse_args(["--stage", "build"])
    script.parse_args(["--dry-run"])
    assert script.dry_run


def test_a_subclass_changes_description_defaults_and_help() -> None:
    script: Any = Script(STAGES)
    shown = script.parser.format_help()
    assert "What this is:\n  a test." in shown
    assert "(default: red)" in shown
    assert "(default: ['unpack', 'build', 'install'])" in " ".join(shown.split())
    assert "--build-retry-attempts" in shown
    assert "install-retry" not in shown
    assert "retry:" in shown
    script.parse_args(["--colour", "blue"])
    assert script.args.colour == "blue"
    assert script.stages_to_run == STAGES
    assert (script.build_retry_attempts, script.build_retry_delay) == (4, 0.5)


def test_the_whole_group_can_be_hidden() -> None:
    script: Any = Base({"build"})
    parser = script.parser
    script.retry_arg_group.title = argparse.SUPPRESS
    script.retry_arg_group.description = argparse.SUPPRESS
    for field in ("attempts", "delay", "timeout"):
        getattr(script, f"build_retry_{field}_arg").help = argparse.SUPPRESS
    assert "retry" not in parser.format_help()
    script.parse_args([])
    assert invocation(parser, script.args, []) == parser.prog


def test_the_formatter_can_be_exchanged() -> None:
    script = Base({"build"})
    assert script.parser.formatter_class is HelpFormatter
    script.parser.formatter_class = argparse.HelpFormatter
    assert "default: 60" not in script.parser.format_help()


def test_the_parser_is_made_once_for_each_script() -> None:
    script = Script(STAGES)
    assert script.parser is script.parser
    assert script.parser is not Script(STAGES).parser


def test_an_error_in_the_arguments_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    script = Script(STAGES, console_force_terminal=False)
    script.console.width = 80
    with pytest.raises(SystemExit) as caught:
        script.raise_parser_error("There is no such colour: [a-z] [/]")
    assert caught.value.code == 1
    out = capsys.readouterr().out
    assert out.startswith("usage:")
    assert "--dry-run" in out
    assert out.endswith("\nThere is no such colour: [a-z] [/]\n")


def test_how_to_run_it_again() -> None:
    script = Base({"build"})
    script.parser.prog = "make.py"
    script.parser.add_argument("--name")
    script.parse_args(["--stage", "build", "--name", "two words"])
    assert invocation(script.parser, script.args, None) == (
        "make.py \\\n"
        "    --stage build \\\n"
        "    --build-retry-attempts 0 \\\n"
        "    --build-retry-delay 0 \\\n"
        "    --build-retry-timeout 60 \\\n"
        "    --name 'two words'"
    )


def test_arguments_that_cannot_be_traced_back_are_shown_as_given() -> None:
    class Upper(argparse.Action):
        def __call__(self, parser: Any, namespace: Any, values: Any, *_: Any) -> None:
            setattr(namespace, self.dest, values.upper())

    script = Traced("build")
    script.parser.prog = "make.py"
    script.parser.add_argument("--name", action=Upper)
    script.parse_args(["--name", "two words"])
    script.print_script_execution_summary()
    assert "Ran the following: make.py --name 'two words' Commands" in script.printed

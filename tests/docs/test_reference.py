"""The reference pages name what there is: phases, states, arguments, attributes, options."""

import inspect
import re

import pytest

from liveops.management.commands.run_liveop import Command
from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.scripts import StagedScript
from liveops.stages import StageState
from liveops.stages.declaration import PHASES
from tests.docs.pages import DOCS, blocks

STAGES = (DOCS / "reference/stages.md").read_text(encoding="utf-8")
SCRIPTS = (DOCS / "reference/scripts.md").read_text(encoding="utf-8")
COMMAND = (DOCS / "reference/command.md").read_text(encoding="utf-8")
PROGRESS = (DOCS / "reference/progress.md").read_text(encoding="utf-8")

STAGE = "build"


def table(page: str, heading: str) -> dict[str, str]:
    """Return the first two columns of the table with a heading, without their backticks."""
    rows = page[page.index(f"| {heading} |") :].partition("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in rows]
    return {row[0]: row[1] for row in cells}


def keywords(function: object) -> dict[str, str]:
    """Return the keyword-only arguments of a function with their defaults as they are written."""
    assert callable(function)
    return {
        name: str(parameter.default)
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }


def shipped(names: dict[str, str]) -> dict[str, str]:
    """Return the rows of arguments that have a default."""
    return {name: default.strip('"') for name, default in names.items() if default}


def test_the_chart_and_the_table_have_every_phase() -> None:
    (chart,) = blocks("reference/stages.md", "mermaid")
    assert set(re.findall(r"_[a-z]+(?:_[a-z]+)+", chart)) == set(PHASES)
    listed = [name.partition("(")[0] for name in table(STAGES, "phase")]
    assert sorted(set(listed) - {"body"}) == sorted(PHASES)


def test_the_table_of_states_has_every_state() -> None:
    listed = set(table(STAGES, "state"))
    assert listed == {"(none)", *(state.value for state in StageState)}


def test_the_arguments_of_the_decorator_have_their_defaults() -> None:
    assert shipped(table(STAGES, "`@LiveOperation.stage(…)`")) == keywords(LiveOperation.stage)


@pytest.mark.parametrize("call", [Progress.run, Progress.arun])
def test_the_arguments_of_run_have_their_defaults(call: object) -> None:
    assert shipped(table(PROGRESS, "`p.run(command, *, …)`")) == keywords(call)


def test_every_name_of_a_script_is_documented() -> None:
    script = StagedScript({STAGE})
    script.parse_args([])
    public = {name for name in dir(script) if not name.startswith("_")}
    named = {name.replace(STAGE, "<stage>") for name in public}
    assert {name for name in named if not re.search(rf"`[@\w.]*{name}\b", SCRIPTS)} == set()


def test_the_arguments_of_a_script_have_their_defaults() -> None:
    assert shipped(table(SCRIPTS, "argument")) == keywords(StagedScript)


def test_every_option_of_a_script_is_documented() -> None:
    script = StagedScript({STAGE})
    options = {
        option.replace(STAGE, "<stage>")
        for action in script.parser._actions
        for option in action.option_strings
        if option.startswith("--")
    }
    assert {name.split()[0] for name in table(SCRIPTS, "option")} == options


def test_every_option_of_the_command_is_documented() -> None:
    parser = Command().create_parser("manage.py", "run_liveop")
    parser.parse_args(["testapp.Flaky"])
    django_s_own = {"version", "verbosity", "settings", "pythonpath", "traceback", "no-color"}
    django_s_own |= {"force-color", "skip-checks"}
    options = {
        re.sub(r"^--(build|migrate|notify|publish)-", "--<stage>-", option)
        for action in parser._actions
        for option in action.option_strings
        if option.startswith("--") and option.removeprefix("--") not in django_s_own
    }
    assert {name.split()[0] for name in table(COMMAND, "option")} == options

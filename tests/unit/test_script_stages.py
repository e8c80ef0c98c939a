"""A script's stages: the order of their phases, who may change them, and what goes through."""

import io
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from liveops.scripts import StagedScript, StageDuration


class Traced(StagedScript):
    """Notes every phase before it does what it does by default."""

    def __init__(self, *stages: str, run: tuple[str, ...] = (), **retry: float) -> None:
        super().__init__(stages)
        self.console = Console(file=io.StringIO(), force_terminal=False, width=200)
        self.trace: list[str] = []
        options = [[f"--{key.replace('_', '-')}", str(value)] for key, value in retry.items()]
        chosen = ["--stage", *run] if run else []
        self.parse_args([*chosen, *itertools.chain.from_iterable(options)])

    @property
    def printed(self) -> str:
        """What was printed, with blanks as single spaces."""
        assert isinstance(self.console.file, io.StringIO)
        return " ".join(self.console.file.getvalue().split())

    def _run_pre_stage_actions(self) -> None:
        self.trace.append(f"pre {self.current_stage}")
        super()._run_pre_stage_actions()

    def _begin_stage(self, heading: str) -> None:
        self.trace.append(f"begin {self.current_stage}: {heading}")
        super()._begin_stage(heading)

    def _skip_stage(self) -> None:
        self.trace.append(f"skip {self.current_stage}")
        super()._skip_stage()

    def _end_stage(self) -> None:
        self.trace.append(f"end {self.current_stage}")
        super()._end_stage()

    def _prepare_to_retry_stage(self, retry_state: Any) -> None:
        self.trace.append(f"prepare {self.current_stage}")
        super()._prepare_to_retry_stage(retry_state)

    def _handle_stage_retry_error(self, retry: Any) -> None:
        self.trace.append(f"handle {self.current_stage}")
        super()._handle_stage_retry_error(retry)

    def _run_post_stage_actions(self) -> None:
        self.trace.append(f"post {self.current_stage}")
        super()._run_post_stage_actions()


class Errands(Traced):
    """Two stages and one that raises."""

    problem: BaseException

    @StagedScript.stage("fetch", "Fetching the parcel")
    def go_and_fetch(self, what: str, *, times: int = 1) -> str:
        """Bring something."""
        self.trace.append(f"body {self.current_stage}")
        return what * times

    @StagedScript.stage("drop", "Dropping it")
    def drop_it(self) -> None:
        """Raise what the test asks for."""
        self.trace.append("body drop")
        raise self.problem


def test_a_stage_that_is_run_goes_through_all_phases() -> None:
    script = Errands("fetch", run=("fetch",))
    assert script.go_and_fetch("ab", times=2) == "abab"
    assert script.trace == [
        "pre fetch",
        "begin fetch: Fetching the parcel",
        "body fetch",
        "end fetch",
        "post fetch",
    ]
    assert "Fetching the parcel" in script.printed
    assert f"The 'fetch' stage took {script.durations[0].duration}." in script.printed
    assert script.script_success
    assert script.current_stage == "fetch"


def test_a_stage_that_was_not_asked_for_is_skipped() -> None:
    script = Errands("fetch", "drop")
    assert script.go_and_fetch("ab") is None
    assert script.trace == [
        "pre fetch",
        "begin fetch: Fetching the parcel",
        "skip fetch",
        "end fetch",
        "post fetch",
    ]
    assert "Skipping this stage" in script.printed
    assert [entry.stage for entry in script.durations] == ["fetch"]
    assert script.script_success


def test_the_method_keeps_its_name_and_its_docstring() -> None:
    assert Errands.go_and_fetch.__name__ == "go_and_fetch"
    assert Errands.go_and_fetch.__doc__ == "Bring something."


@pytest.mark.parametrize("problem", [OSError("gone"), ValueError("bad")])
def test_an_exception_leaves_at_once_after_the_end_stage_actions(problem: Exception) -> None:
    script = Errands("drop", run=("drop",), drop_retry_attempts=3)
    script.problem = problem
    with pytest.raises(type(problem)) as caught:
        script.drop_it()
    assert caught.value is problem
    assert script.trace == ["pre drop", "begin drop: Dropping it", "body drop", "end drop"]
    assert [entry.stage for entry in script.durations] == ["drop"]


@pytest.mark.parametrize("problem", [KeyboardInterrupt(), SystemExit(3)])
def test_an_interrupt_leaves_without_any_other_phase(problem: BaseException) -> None:
    script = Errands("drop", run=("drop",), drop_retry_attempts=3)
    script.problem = problem
    with pytest.raises(type(problem)):
        script.drop_it()
    assert script.trace == ["pre drop", "begin drop: Dropping it", "body drop"]
    assert script.durations == []


class Tailored(Errands):
    """Changes phases of one stage only."""

    def _begin_stage_fetch(self, heading: str) -> None:
        self.trace.append(f"own begin {heading}")
        self._begin_stage(heading)

    def _end_stage_fetch(self) -> None:
        self.trace.append("own end")
        super()._end_stage()

    def _run_pre_stage_actions_fetch(self) -> None:
        self.trace.append("own pre")

    def _run_post_stage_actions_fetch(self) -> None:
        self.trace.append("own post")

    def _skip_stage_drop(self) -> None:
        self.trace.append("own skip")


def test_a_phase_is_customised_for_one_stage() -> None:
    script = Tailored("fetch", "drop", run=("fetch",))
    script.go_and_fetch("a")
    script.drop_it()
    assert script.trace == [
        "own pre",
        "own begin Fetching the parcel",
        "begin fetch: Fetching the parcel",
        "body fetch",
        "own end",
        "end fetch",
        "own post",
        "pre drop",
        "begin drop: Dropping it",
        "own skip",
        "end drop",
        "post drop",
    ]


@pytest.mark.parametrize(
    "name", ["Build", "two words", "a-b", "a_b", "a1", "", "ä", "a\n", 5, None]
)
def test_a_stage_name_has_lower_case_letters_only(name: Any) -> None:
    with pytest.raises(ValueError, match="lower case letters from a to z"):
        StagedScript.stage(name, "Heading")
    with pytest.raises(ValueError, match="lower case letters from a to z"):
        StagedScript({name, "fine"})


def test_names_are_given_as_a_collection() -> None:
    with pytest.raises(TypeError, match=r"a set of names, such as \{'build'\}"):
        StagedScript("build")
    assert StagedScript(["build"]).stages == {"build"}


def test_the_decorator_takes_its_arguments_by_name() -> None:
    class Named(Traced):
        @StagedScript.stage(stage_name="one", heading="First")
        def first(self) -> int:
            return 1

    assert Named("one", run=("one",)).first() == 1


def test_a_stage_runs_without_a_parsed_command_line() -> None:
    script = Errands("fetch")
    del script.args
    for field in ("attempts", "delay", "timeout"):
        delattr(script, f"fetch_retry_{field}")
    script.stages_to_run = {"fetch"}
    assert script.go_and_fetch("x") == "x"


def test_what_a_script_starts_with() -> None:
    before = datetime.now(tz=UTC)
    script = StagedScript({"one"}, console_log_path=False, print_commands=False)
    assert before <= script.start_time == script.stage_start_time <= datetime.now(tz=UTC)
    assert vars(script.args) == {}
    assert script.commands_executed == []
    assert script.durations == []
    assert script.stages == {"one"}
    assert script.stages_to_run == set()
    assert (script.dry_run, script.script_success, script.print_commands) == (False, True, False)
    assert script.script_name.startswith(script.script_stem)
    assert StagedScript(set(), console_force_terminal=True).console.is_terminal


def test_a_duration_is_a_pair_of_name_and_time() -> None:
    name, duration = StageDuration("one", timedelta(seconds=1))
    assert StageDuration(stage=name, duration=duration) == ("one", timedelta(seconds=1))

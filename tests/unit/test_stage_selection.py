"""Which stages are to run, and what cannot be left out."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveops.stages import Stage, identifier, make_stage, selection_problem, selects
from liveops.stages.selection import attempted_names
from tests.unit.helpers import hostile_text


def stage(name: str) -> Any:
    """Return a decorator for stages that are never called."""
    return lambda body: make_stage(Stage(name, ""), body, lambda owner: owner.host)


class Methods:
    """Stages that are methods."""

    @stage("build")
    def build(self, p: Any) -> None:
        """Build."""

    @stage("Run tests")
    def test(self, p: Any) -> None:
        """Test."""


class Blocks:
    """Stages that are blocks, and one that is a loop of attempts."""

    def run(self, p: Any) -> None:
        """Enter them."""
        with p.stage("Load"):
            pass
        for attempt in p.attempts("Save", retry_attempts=2):
            with attempt:
                pass


METHODS = ["build", "Run tests"]
BLOCKS = ["Load", "Save"]


@pytest.mark.parametrize(
    ("selection", "name", "selected"),
    [
        (None, "build", True),
        ([], "build", False),
        (["build"], "build", True),
        (["BUILD!"], "build", True),
        (["run_tests"], "Run tests", True),
        (("Run tests",), "run-tests", True),
        ({"build"}, "Run tests", False),
        (["…"], "…", True),
        (["…"], "???", False),
        ([""], "…", False),
        ("body A and B", "A", False),
        ("body A and B", "Body A and B!", True),
        ("build", "build", True),
        ("", "build", False),
        ([7, None, "build"], "build!", True),
        ([7, None], "build", False),
    ],
)
def test_a_selection_holds_names_or_their_identifier_forms(
    selection: Any, name: str, selected: bool
) -> None:
    assert selects(selection, name) is selected


@given(st.lists(hostile_text), hostile_text)
def test_a_selection_that_holds_a_name_selects_it_and_whatever_has_its_form(
    others: list[str], name: str
) -> None:
    assert selects([*others, name], name)
    if form := identifier(name):
        assert selects([*others, form], name)
        assert selects([*others, name], form.upper())
    assert not selects([], name)


@pytest.mark.parametrize("selection", [5, True, iter(["build"])], ids=["int", "bool", "iterator"])
def test_what_is_no_collection_selects_nothing_and_says_so(selection: Any) -> None:
    with pytest.raises(TypeError, match=r"^stages_to_run must be a list of stage names or None, "):
        selects(selection, "build")


@pytest.mark.parametrize(
    "selection",
    [None, [], METHODS, ["build"], ("run_tests",), {"build"}, frozenset(["build"]), ["build"] * 2],
)
def test_stages_that_are_methods_can_be_left_out(selection: Any) -> None:
    assert selection_problem(Methods, METHODS, selection) is None


@pytest.mark.parametrize(
    ("selection", "sentence"),
    [
        ("build", "stages_to_run must be a list of stage names or None, not 'build'."),
        (7, "stages_to_run must be a list of stage names or None, not 7."),
        (True, "stages_to_run must be a list of stage names or None, not True."),
        ([7], "stages_to_run must hold names of stages; got 7."),
        (["build", None], "stages_to_run must hold names of stages; got None."),
        (
            ["biuld"],
            "There is no stage 'biuld'. Did you mean 'build'? Stages: build, Run tests.",
        ),
        (["build", "zzz"], "There is no stage 'zzz'. Stages: build, Run tests."),
        ([""], "There is no stage ''. Stages: build, Run tests."),
    ],
)
def test_what_is_no_selection_is_said_in_a_sentence(selection: Any, sentence: str) -> None:
    assert selection_problem(Methods, METHODS, selection) == sentence


def test_without_stages_nothing_can_be_selected() -> None:
    assert selection_problem(object, [], []) is None
    assert selection_problem(object, [], ["a"]) == "There is no stage 'a'. Stages: none."


def test_a_block_cannot_be_left_out_but_a_loop_of_attempts_can() -> None:
    assert selection_problem(Blocks, BLOCKS, ["Load", "Save"]) is None
    assert selection_problem(Blocks, BLOCKS, ["load"]) is None
    problem = selection_problem(Blocks, BLOCKS, ["Save"])
    assert problem is not None
    assert problem.startswith("The stage 'Load' cannot be skipped: Python always runs the block")
    assert "p.attempts('Load')" in problem


def test_a_stage_of_a_method_among_blocks_can_be_left_out() -> None:
    class Mixed(Methods, Blocks):
        pass

    stages = [*METHODS, *BLOCKS]
    assert selection_problem(Mixed, stages, ["Load"]) is None
    assert selection_problem(Mixed, stages, ["build", "Save"]) is not None


def test_attempted_names_are_read_from_the_source_of_a_class_and_its_bases() -> None:
    class Reading(Blocks):
        """One more loop; and a text that says p.attempts("Nothing") is none."""

        def helper(self, p: Any, name: str) -> None:
            p.attempts(name="Upload")
            p.attempts(retry_attempts=1, name="Publish")
            self.progress.attempts("Mail")  # type: ignore[attr-defined]
            p.attempts(name)
            p.attempts(f"{name}")
            p.attempts(7)
            p.attempts()
            attempts("Elsewhere")

    assert attempted_names(Blocks) == {"Save"}
    assert attempted_names(Reading) == {"Save", "Upload", "Publish", "Mail"}


def attempts(name: str) -> None:
    """Do nothing that a progress does."""


def test_nothing_is_known_of_a_class_that_has_no_source() -> None:
    made = type("Made", (), {"run": lambda self, p: p.attempts("Load")})
    assert attempted_names(made) == frozenset()
    namespace: dict[str, Any] = {"__name__": __name__}
    exec("class Executed:\n    def run(self, p): p.attempts('Load')", namespace)  # noqa: S102  (the test's own code)
    assert attempted_names(namespace["Executed"]) == frozenset()


def test_a_text_that_breaks_the_indentation_hides_nothing_else() -> None:
    class Texts:
        TEXT = """
at the margin
"""

        def run(self, p: Any) -> None:
            p.attempts("Save")

    assert attempted_names(Texts) == {"Save"}


def test_what_is_read_follows_the_class_not_its_name() -> None:
    def first() -> type:
        class Same:
            def run(self, p: Any) -> None:
                p.attempts("One")

        return Same

    def second() -> type:
        class Same:
            def run(self, p: Any) -> None:
                p.attempts("Two")

        return Same

    assert list(attempted_names(first())) == ["One"]
    assert list(attempted_names(second())) == ["Two"]

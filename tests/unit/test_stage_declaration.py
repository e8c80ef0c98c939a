"""What a class says about its stages: their order, and methods that customise their phases."""

from typing import Any

import pytest

from liveops.stages import (
    RetryLimits,
    Stage,
    custom_phase_problems,
    identifier,
    make_stage,
    name_problems,
    stage_methods,
    stage_of,
)
from liveops.stages.declaration import PHASES, phase_method


def stage(name: str, heading: str = "") -> Any:
    """Return a decorator for stages that are never called."""
    return lambda body: make_stage(Stage(name, heading), body, lambda owner: owner.host)


class Base:
    """Two stages."""

    @stage("build")
    def make(self) -> None:
        """Build."""

    @stage("Run tests")
    def test(self) -> None:
        """Test."""


def names(owner: type) -> list[str]:
    """Return the names of the stages of a class."""
    return [stage.name for stage in stage_methods(owner).values()]


def test_a_stage_knows_what_it_was_declared_with() -> None:
    declared = Stage("Save to DB", "Saving", RetryLimits(2), continue_on_failure=True)
    assert declared.form == identifier("Save to DB") == "save_to_db"
    assert (declared.heading, declared.limits.tries) == ("Saving", 3)
    assert not Stage("build", "").continue_on_failure


def test_a_stage_without_a_name_is_told_what_is_missing() -> None:
    method: Any = Base.make
    with pytest.raises(TypeError, match="A stage needs a name and a heading"):
        Stage(method, "")


def test_the_stages_are_in_order_of_definition_by_method_name() -> None:
    assert list(stage_methods(Base)) == ["make", "test"]
    assert names(Base) == ["build", "Run tests"]


def test_inherited_stages_come_first() -> None:
    class Derived(Base):
        @stage("deploy")
        def deploy(self) -> None: ...

    assert names(Derived) == ["build", "Run tests", "deploy"]


def test_a_stage_that_is_defined_again_keeps_its_place() -> None:
    class Derived(Base):
        @stage("deploy")
        def deploy(self) -> None: ...

        @stage("compile")
        def make(self) -> None: ...

    assert names(Derived) == ["compile", "Run tests", "deploy"]


def test_a_method_that_is_defined_again_without_the_decorator_is_no_stage() -> None:
    class Derived(Base):
        def make(self) -> None: ...

    class Cleared(Base):
        test = None

    assert names(Derived) == ["Run tests"]
    assert names(Cleared) == ["build"]


def test_what_a_base_has_under_the_name_of_a_stage_gives_it_no_place() -> None:
    class Model:
        def clean(self) -> None:
            """Do something else altogether."""

        def test(self, p: Any) -> None:
            raise NotImplementedError

    class Derived(Model):
        @stage("build")
        def build(self, p: Any) -> None: ...

        @stage("test")
        def test(self, p: Any) -> None: ...

        @stage("clean")
        def clean(self, p: Any) -> None: ...

    assert names(Derived) == ["build", "test", "clean"]


def test_stages_of_mixins_come_in_the_order_in_which_python_initialises_them() -> None:
    class Left:
        @stage("left")
        def left(self) -> None: ...

    class Right:
        @stage("right")
        def right(self) -> None: ...

    class Both(Left, Right, Base):
        @stage("own")
        def own(self) -> None: ...

    assert names(Both) == ["build", "Run tests", "right", "left", "own"]


def test_a_stage_that_two_bases_define_is_that_of_the_first() -> None:
    class Left:
        @stage("left")
        def work(self) -> None: ...

    class Right:
        @stage("right")
        def work(self) -> None: ...

    class Both(Left, Right):
        pass

    assert names(Both) == ["left"]


def test_a_property_is_not_asked_whether_it_is_a_stage() -> None:
    class Careful(Base):
        @property
        def careful(self) -> None:
            pytest.fail("a property was called")

    assert names(Careful) == ["build", "Run tests"]


@pytest.mark.parametrize("thing", [None, 3, "build", object(), Stage("build", ""), print])
def test_what_was_not_decorated_is_no_stage(thing: Any) -> None:
    assert stage_of(thing) is None


def test_a_bound_method_is_the_stage_that_its_function_is() -> None:
    assert stage_of(Base().make) is stage_of(Base.make)


def test_names_of_stage_methods_are_judged_as_those_of_a_list() -> None:
    class Twice(Base):
        @stage("BUILD!")
        def again(self) -> None: ...

    assert name_problems(names(Base)) == []
    (problem,) = name_problems(names(Twice))
    assert "'build' and 'BUILD!' have the same identifier form 'build'" in problem


@pytest.mark.parametrize("phase", PHASES)
def test_a_customised_phase_that_fits_a_stage_is_no_problem(phase: str) -> None:
    own = {f"{phase}_build": print, f"{phase}_run_tests": print, phase: print}
    assert custom_phase_problems(type("Fitting", (Base,), own)) == []


@pytest.mark.parametrize("phase", PHASES)
def test_a_customised_phase_that_fits_no_stage_is_told_what_was_meant(phase: str) -> None:
    (problem,) = custom_phase_problems(type("Slip", (Base,), {f"{phase}_run_test": print}))
    assert problem == (
        f"{phase}_run_test() customises a stage 'run_test' that does not exist. "
        f"Did you mean {phase}_run_tests? The stages are: build, run_tests."
    )


def test_a_customised_phase_is_compared_with_the_name_of_the_stage_not_of_the_method() -> None:
    class Mistaken(Base):
        def _begin_stage_make(self, heading: str) -> None: ...

    (problem,) = custom_phase_problems(Mistaken)
    assert problem.startswith("_begin_stage_make() customises a stage 'make'")


def test_all_customised_phases_that_fit_nothing_are_told() -> None:
    class Base2(Base):
        def _end_stage_zzz(self) -> None: ...

    class Derived(Base2):
        def _begin_stage_qqq(self, heading: str) -> None: ...

        def _skip_stage_(self) -> None: ...

    problems = custom_phase_problems(Derived)
    assert [p.split("(")[0] for p in problems] == [
        "_end_stage_zzz",
        "_begin_stage_qqq",
        "_skip_stage_",
    ]
    assert not [p for p in problems if "Did you mean" in p]


def test_a_customised_phase_without_any_stage_is_told_so() -> None:
    class Lonely:
        def _end_stage_build(self) -> None: ...

    (problem,) = custom_phase_problems(Lonely)
    assert problem.endswith("No method here is a stage.")


def test_what_only_looks_like_a_customised_phase_is_left_alone() -> None:
    class Quiet(Base):
        _end_stage_note = "no method"
        _begin_stage_build = None

        def _end_stages(self) -> None: ...

    assert custom_phase_problems(Quiet) == []


def test_an_undone_stage_leaves_its_customised_phases_behind() -> None:
    class Plain(Base):
        def make(self) -> None: ...

        def _end_stage_build(self) -> None: ...

    (problem,) = custom_phase_problems(Plain)
    assert "'build' that does not exist" in problem


def test_the_method_of_a_phase_is_the_customised_one_if_there_is_one() -> None:
    class Owner:
        def _end_stage(self) -> str:
            return "general"

        def _end_stage_build(self) -> str:
            return "custom"

    owner = Owner()
    assert phase_method(owner, "_end_stage", "build")() == "custom"
    assert phase_method(owner, "_end_stage", "test")() == "general"
    assert phase_method(owner, "_end_stage", "")() == "general"
    with pytest.raises(AttributeError):
        phase_method(owner, "_begin_stage", "build")

"""Stage methods of bases and mixins: which are there, in what order, with which phases."""

from typing import Any, ClassVar

import pytest

from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.staged import StagedOperation
from liveops.testing import run_operation
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db

stage = StagedOperation.stage


class Building(StagedOperation):
    """A base without a table: two stages, and a phase of its own."""

    @stage("build", "Building")
    def build(self, p: Progress) -> None:
        """Build."""
        p.log("base build")

    @stage("test", "Testing")
    def test(self, p: Progress) -> None:
        """Test."""
        p.log("base test")

    def _end_stage(self) -> None:
        super()._end_stage()
        self.progress.log("base end")


class Publishing:
    """A mixin with a stage and a phase customised for it."""

    progress: Progress

    @stage("publish", "Publishing")
    def publish(self, p: Progress) -> None:
        """Publish."""
        p.log("mixin publish")

    def _end_stage_publish(self) -> None:
        self.progress.log("mixin end")


class Shipping(Publishing, Building):
    """Both, and a stage of its own."""

    @stage("ship", "Shipping")
    def ship(self, p: Progress) -> None:
        """Ship."""
        p.log("own ship")

    @stage("Run tests", "Testing more")
    def test(self, p: Progress) -> None:
        """Test more than the base does."""
        p.log("own test")


def test_the_list_of_stages_follows_from_the_methods() -> None:
    assert StagedOperation.stages == []
    assert Building.stages == ["build", "test"]
    assert Shipping.stages == ["build", "Run tests", "publish", "ship"]
    assert Building.stages == ["build", "test"], "a subclass changes nothing in its base"


def test_a_class_may_list_its_stages_itself() -> None:
    class Listed(Building):
        stages: ClassVar[list[str]] = ["test", "build", "a block"]

    class Below(Listed):
        @stage("more", "")
        def more(self, p: Progress) -> None: ...

    class Cleared(Shipping):
        stages: ClassVar[list[str]] = []

    assert Listed.stages == ["test", "build", "a block"]
    assert Below.stages == ["test", "build", "a block"]
    assert Cleared.stages == []


def test_the_headings_are_those_of_the_methods() -> None:
    assert Shipping().stage_headings == {
        "build": "Building",
        "Run tests": "Testing more",
        "publish": "Publishing",
        "ship": "Shipping",
    }


class Shipment(Shipping, Scripted):
    """The same with a table."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = Shipping.stages
    run = LiveOperation.run

    def _end_stage_build(self) -> None:
        self._end_stage()
        self.progress.log("own end")


def test_inherited_stages_run_first_each_with_its_own_phases() -> None:
    outcome = run_operation(Shipment.objects.create())
    assert outcome.state == "FINISHED_OK", outcome
    assert [attempt.stage for attempt in outcome.attempted] == Shipment.stages
    assert outcome.lines == [
        *["base build", "base end", "own end"],
        *["own test", "base end"],
        *["mixin publish", "mixin end"],
        *["own ship", "base end"],
    ]


class Basic(Scripted):
    """Overrides a stage and calls the one that it overrides."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["build"]
    run = LiveOperation.run

    @stage("build", "Building")
    def build(self, p: Progress) -> Any:
        """Build."""
        p.log("base")
        return "built"


class Extended(Basic):
    """A plain method that takes the place of a stage, and calls it."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["build", "publish"]

    def run(self, p: Progress) -> None:
        """Publish."""
        self.publish(p)

    def build(self, p: Progress) -> Any:
        """Do more than the stage."""
        return f"{super().build(p)} and more"

    @stage("publish", "Publishing")
    def publish(self, p: Progress) -> None:
        """Publish what was built."""
        p.log(self.build(p))


def test_a_stage_that_was_overridden_is_one_where_it_is_called() -> None:
    outcome = run_operation(Extended.objects.create())
    assert outcome.state == "FINISHED_OK", outcome
    assert outcome.stages == {"build": "done", "publish": "done"}
    assert [attempt.stage for attempt in outcome.attempted] == ["build", "publish"]
    assert [(line.stage, line) for line in outcome.lines] == [
        ("build", "base"),
        ("publish", "built and more"),
    ]


def test_without_run_and_without_stage_methods_there_is_nothing_to_do() -> None:
    class Nothing(StagedOperation):
        pass

    progress: Any = None
    with pytest.raises(NotImplementedError, match="Nothing has neither a run\\(\\) method nor"):
        Nothing().run(progress)


class Hike(Scripted):
    """Has a stage method with the name by which Django knows another class of operations."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["pack", "walk"]
    run = LiveOperation.run

    @stage("pack", "Packing")
    def pack(self, p: Progress) -> None:
        """Pack."""

    @stage("walk", "Walking")
    def walk(self, p: Progress) -> None:  # type: ignore[override]
        """Walk."""


def test_a_stage_method_may_be_called_as_a_class_of_operations_is() -> None:
    assert hasattr(LiveOperation, "walk"), "Django leads from an operation to its subclass so"
    outcome = run_operation(Hike.objects.create())
    assert outcome.state == "FINISHED_OK", outcome
    assert [attempt.stage for attempt in outcome.attempted] == ["pack", "walk"]

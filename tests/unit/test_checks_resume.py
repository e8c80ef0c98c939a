"""The system check of classes that want to be resumed by themselves."""

from typing import Any, ClassVar

import pytest
from django.apps import apps
from django.core.checks import CheckMessage
from django.test.utils import isolate_apps

from liveops.checks import check_operations
from liveops.models import LiveOperation
from liveops.progress import Progress


def check(model: Any, monkeypatch: pytest.MonkeyPatch) -> list[CheckMessage]:
    monkeypatch.setattr(apps, "get_models", lambda: [model])
    return check_operations(None)


@isolate_apps("tests.testapp")
@pytest.mark.parametrize("times", [0, 1, 3, 32_767])
def test_a_whole_number_is_fine(times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class Homing(LiveOperation):
        resume_on_interrupt: ClassVar[int] = times

        class Meta:
            app_label = "testapp"

        @LiveOperation.stage("Sail", "Sailing")
        def sail(self, p: Progress) -> None:
            """Sail."""

    assert check(Homing, monkeypatch) == []


@isolate_apps("tests.testapp")
@pytest.mark.parametrize("times", [-1, 2.0, "3", None, True, 40_000], ids=str)
def test_anything_else_is_an_error(times: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Homing(LiveOperation):
        resume_on_interrupt = times

        class Meta:
            app_label = "testapp"

        @LiveOperation.stage("Sail", "Sailing")
        def sail(self, p: Progress) -> None:
            """Sail."""

    (found,) = check(Homing, monkeypatch)
    assert found.id == "liveops.E009"
    assert repr(times) in found.msg


@isolate_apps("tests.testapp")
def test_without_stage_methods_there_is_nothing_to_go_on_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Plain(LiveOperation):
        resume_on_interrupt: ClassVar[int] = 3
        stages: ClassVar[list[str]] = ["Sail"]

        class Meta:
            app_label = "testapp"

        def run(self, p: Progress) -> None:
            """Sail."""

    (found,) = check(Plain, monkeypatch)
    assert (found.id, found.hint is not None) == ("liveops.E009", True)
    assert "no stage methods" in found.msg

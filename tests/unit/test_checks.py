"""System checks: what cannot work is an error before anything runs."""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from django.apps import apps
from django.core import checks
from django.core.checks import CheckMessage, Error, run_checks
from django.test.utils import isolate_apps

from liveops.checks import check_operations, check_settings
from liveops.models import LiveOperation
from liveops.progress import Progress
from tests.testapp.models import Row, Walk

GOOD_LAYER = {"default": {"BACKEND": "liveops.layers.InMemoryChannelLayer"}}


def ids(messages: list[CheckMessage]) -> list[str | None]:
    return [message.id for message in messages]


def not_a_runner(operation: object) -> None:
    """Stand where a runner class should."""


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[CheckMessage]]:
    """Return a function that checks operation classes as if they were the project's."""

    def run(*models: Any) -> list[CheckMessage]:
        monkeypatch.setattr(apps, "get_models", lambda: models)
        return check_operations(None)

    return run


def test_this_project_has_no_problems() -> None:
    assert run_checks(tags=["liveops"]) == []


def test_the_checks_run_with_django_s_own(settings: Any) -> None:
    settings.LIVEOPS = {"NO_SUCH_KEY": 1}
    assert "liveops.E001" in ids(run_checks())


def test_every_bad_setting_is_an_error(settings: Any) -> None:
    settings.LIVEOPS = {"THROTTLE": 1, "LOG_LINES": 0}
    found = check_settings(None)
    assert ids(found) == ["liveops.E001"] * 2
    assert all(isinstance(message, Error) for message in found)
    assert "'THROTTLE'" in found[0].msg
    assert "'LOG_LINES'" in found[1].msg


@pytest.mark.parametrize("value", [None, "eager", []])
def test_a_setting_that_is_no_dict_is_an_error(settings: Any, value: Any) -> None:
    settings.LIVEOPS = value
    assert ids(check_settings(None)) == ["liveops.E001"]


def test_a_project_without_the_setting_is_fine(settings: Any) -> None:
    del settings.LIVEOPS
    assert check_settings(None) == []


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("no.such.module.Runner", "cannot be imported"),
        ("thred", "cannot be imported"),
        ("tests.unit.test_checks.not_a_runner", "not a runner class"),
        ("liveops.runners.base.Runner", "not a runner class"),
    ],
)
def test_a_runner_that_cannot_run_is_an_error(settings: Any, path: str, reason: str) -> None:
    settings.LIVEOPS = {"RUNNER": path}
    (found,) = check_settings(None)
    assert found.id == "liveops.E002"
    assert path in found.msg
    assert reason in found.msg


@pytest.mark.parametrize("name", ["eager", "thread", "threading"])
def test_the_runners_by_name_are_fine(settings: Any, name: str) -> None:
    settings.LIVEOPS = {"RUNNER": name}
    assert check_settings(None) == []


@pytest.mark.parametrize(
    ("layers", "found"),
    [
        (GOOD_LAYER, []),
        ({"default": {"BACKEND": "channels_redis.core.RedisChannelLayer"}}, []),
        ({}, ["liveops.W001"]),
        ({"other": GOOD_LAYER["default"]}, ["liveops.W001"]),
        ({"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}, ["liveops.W002"]),
    ],
)
def test_the_channel_layer(settings: Any, layers: Any, found: list[str]) -> None:
    settings.CHANNEL_LAYERS = layers
    messages = check_settings(None)
    assert ids(messages) == found
    assert all(isinstance(message, checks.Warning) and message.hint for message in messages)


@isolate_apps("tests.testapp")
def test_stage_names_are_checked_with_their_class(check: Any) -> None:
    class Twice(Walk):
        stages: ClassVar[list[str]] = ["Load", "load!", ""]

        class Meta:
            app_label = "testapp"
            proxy = True

    found = check(Walk, Twice)
    assert ids(found) == ["liveops.E003"] * 2
    assert all(message.obj is Twice for message in found)
    assert all(message.msg.startswith("testapp.Twice: ") for message in found)


@isolate_apps("tests.testapp")
def test_stages_must_be_a_list(check: Any) -> None:
    class Unordered(Walk):
        stages: ClassVar[Any] = {"Load", "Save"}

        class Meta:
            app_label = "testapp"
            proxy = True

    (found,) = check(Unordered)
    assert found.id == "liveops.E003"
    assert "not set" in found.msg


@isolate_apps("tests.testapp")
def test_an_operation_needs_something_to_run(check: Any) -> None:
    class Idle(LiveOperation):
        class Meta:
            app_label = "testapp"
            proxy = True

    class Deaf(LiveOperation):
        def run(self) -> None:  # type: ignore[override]
            """Forget the progress."""

        class Meta:
            app_label = "testapp"
            proxy = True

    class Async(LiveOperation):
        async def run(self, p: Progress) -> None:
            """Run."""

        class Meta:
            app_label = "testapp"
            proxy = True

    class Heir(Async):
        class Meta:
            app_label = "testapp"
            proxy = True

    found = check(Row, LiveOperation, Idle, Deaf, Async, Heir)
    assert [(message.id, message.obj) for message in found] == [
        ("liveops.E004", Idle),
        ("liveops.E004", Deaf),
    ]
    assert "has no run() method" in found[0].msg
    assert "takes no progress argument" in found[1].msg
    assert all(message.hint == "Write run(self, p)." for message in found)

"""System checks: what cannot work is an error before anything runs."""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from django.apps import apps
from django.core import checks
from django.core.checks import CheckMessage, Error, run_checks
from django.db.models import Q
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


@pytest.mark.django_db  # Django asks the database what its fields support
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
    assert "has neither a run() method nor stage methods" in found[0].msg
    assert "takes no progress argument" in found[1].msg
    assert all(message.hint and "Write run(self, p)" in message.hint for message in found)


def phases(name: str) -> type[LiveOperation]:
    """Return a proxy operation with stage methods, to which a test adds what is wrong."""

    class Base(LiveOperation):
        @LiveOperation.stage("build", "Building")
        def build(self, p: Progress) -> None:
            """Build."""

        @LiveOperation.stage("Save to DB", "Saving")
        def save_it(self, p: Progress) -> None:
            """Save."""

        class Meta:
            app_label = "testapp"
            proxy = True

    Base.__name__ = name
    return Base


@isolate_apps("tests.testapp")
def test_stage_methods_need_no_list_of_stages(check: Any) -> None:
    class Deploy(phases("Good")):  # type: ignore[misc]
        def _begin_stage_save_to_db(self, heading: str) -> None:
            """Begin."""

        class Meta:
            app_label = "testapp"
            proxy = True

    assert Deploy.stages == ["build", "Save to DB"]
    assert check(Deploy) == []


@isolate_apps("tests.testapp")
@pytest.mark.parametrize(
    ("phase", "hint"),
    [
        ("_begin_stage_biuld", "Did you mean _begin_stage_build?"),
        ("_end_stage_save_to_bd", "Did you mean _end_stage_save_to_db?"),
        ("_handle_stage_retry_error_zzz", "The stages are: build, save_to_db."),
        ("_prepare_to_retry_stage_Build", "Did you mean _prepare_to_retry_stage_build?"),
    ],
)
def test_a_phase_of_no_stage_is_an_error(check: Any, phase: str, hint: str) -> None:
    base = phases("Lost")
    setattr(base, phase, lambda self, *_: None)
    (found,) = check(base)
    assert (found.id, found.obj) == ("liveops.E007", base)
    assert f"{phase}() customises" in found.msg
    assert hint in found.msg


@isolate_apps("tests.testapp")
def test_a_phase_of_a_block_is_an_error(check: Any) -> None:
    class Blocks(Walk):
        def _begin_stage_load(self, heading: str) -> None:
            """Never be called."""

        class Meta:
            app_label = "testapp"
            proxy = True

    (found,) = check(Blocks)
    assert found.id == "liveops.E007"
    assert "No method here is a stage." in found.msg


@isolate_apps("tests.testapp")
def test_a_stage_method_is_called_with_the_progress_alone(check: Any) -> None:
    class Mean(phases("Base1")):  # type: ignore[misc]
        @LiveOperation.stage("more", "More")
        def more(self, p: Progress, needed: int) -> None:
            """Need more."""

        @LiveOperation.stage("less", "Less")
        def less(self) -> None:
            """Take nothing."""

        @LiveOperation.stage("spare", "Spare")
        def spare(self, p: Progress, unneeded: int = 1) -> None:
            """Take more, but need it not."""

        class Meta:
            app_label = "testapp"
            proxy = True

    class Driven(Mean):
        def run(self, p: Progress) -> None:
            """Call them itself."""

        class Meta:
            app_label = "testapp"
            proxy = True

    found = check(Mean, Driven)
    assert [(message.id, message.obj) for message in found] == [("liveops.E005", Mean)] * 2
    assert "Mean.more()" in found[0].msg
    assert "Mean.less()" in found[1].msg


@isolate_apps("tests.testapp")
@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("Build!", "have the same identifier form 'build'"),
        ("build", "have the same identifier form 'build'"),
        ("x" * 101, "101 characters; 100 is the limit"),
        ("日本", "no letter from a to z"),
        ("", "empty name"),
    ],
)
def test_the_name_of_a_stage_method(check: Any, name: str, part: str) -> None:
    class Third(phases("Base2")):  # type: ignore[misc]
        @LiveOperation.stage(name, "Heading")
        def third(self, p: Progress) -> None:
            """Go."""

        class Meta:
            app_label = "testapp"
            proxy = True

    found = check(Third)
    assert ids(found) == ["liveops.E003"]
    assert part in found[0].msg


@isolate_apps("tests.testapp")
@pytest.mark.parametrize("listed", [["build"], ["build", "Save to DB", "Notify"]])
def test_a_list_of_stages_must_fit_the_methods(check: Any, listed: list[str]) -> None:
    class Listed(phases("Base3")):  # type: ignore[misc]
        stages: ClassVar[list[str]] = listed

        class Meta:
            app_label = "testapp"
            proxy = True

    (found,) = check(Listed)
    assert found.id == "liveops.E006"
    assert ("Notify" if "Notify" in listed else "Save to DB") in found.msg


@isolate_apps("tests.testapp")  # where the class does not do the damage that this is about
@pytest.mark.parametrize("name", ["Run", "Stage", "Enqueue", "Specific", "Pk"])
def test_a_class_must_not_take_the_place_of_a_method(check: Any, name: str) -> None:
    meta = type("Meta", (), {"app_label": "testapp"})
    parts = {"__module__": __name__, "Meta": meta, "run": Walk.run}
    model = type(name, (LiveOperation,), parts)
    (found,) = check(model)
    assert (found.id, found.obj) == ("liveops.E008", model)
    assert f"LiveOperation.{name.lower()}" in found.msg
    assert callable(LiveOperation.run)


@isolate_apps("tests.testapp")
def test_a_stage_method_must_not_take_the_place_of_a_method_either(check: Any) -> None:
    class Tidy(phases("Base4")):  # type: ignore[misc]
        @LiveOperation.stage("clean", "Cleaning up")
        def clean(self, p: Progress) -> None:
            """Replace what every form calls."""

        class Meta:
            app_label = "testapp"
            proxy = True

    (found,) = check(Tidy)
    assert found.id == "liveops.E008"
    assert "Tidy.clean() is a stage" in found.msg


@isolate_apps("tests.testapp")
def test_a_rule_of_its_own_that_lists_do_not_know_is_a_warning(check: Any) -> None:
    class Secret(LiveOperation):
        class Meta:
            app_label = "testapp"

        def run(self, p: Progress) -> None:
            """Do nothing."""

        def can_view(self, user: Any) -> bool:
            return False

    class Listed(Secret):
        class Meta:
            app_label = "testapp"

        @classmethod
        def visible_to(cls, user: Any) -> Q:
            return Q(pk=None)

    class Narrower(Listed):
        class Meta:
            app_label = "testapp"

        def can_view(self, user: Any) -> bool:
            return False

    class Inherits(Listed):
        class Meta:
            app_label = "testapp"

    (narrower,) = check(Listed, Narrower, Inherits)
    assert (narrower.id, narrower.obj) == ("liveops.W012", Narrower)
    (warning,) = check(Secret, Listed)
    assert (warning.id, warning.obj) == ("liveops.W012", Secret)
    assert "testapp.Secret has a can_view() of its own and no visible_to()" in warning.msg

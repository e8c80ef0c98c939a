"""System checks of the runners whose operations run in other processes."""

import sys
from collections.abc import Iterator
from typing import Any

import celery._state
import pytest
from celery import Celery
from django.core.checks import CheckMessage

from liveops import conf
from liveops.exceptions import ConfigurationError
from liveops.runners import tasks
from liveops.runners.celery import CeleryRunner
from liveops.runners.tasks import TasksRunner
from tests.testapp.models import Walk

REDIS_LAYER = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer"}}
WITH_WORKERS = {"default": {"BACKEND": "django_tasks_rq.RQBackend", "QUEUES": ["default", "b"]}}
QUEUES = {"default": {"DEFAULT_TIMEOUT": 3_600}, "b": {"DEFAULT_TIMEOUT": 600}}


def ids(messages: list[CheckMessage]) -> list[str | None]:
    return [message.id for message in messages]


@pytest.fixture
def app() -> Iterator[Celery]:
    """A Celery application of the project."""
    before = celery._state.default_app, celery._state._tls.current_app
    app = Celery("shop", broker="memory://")
    app.set_default()
    yield app
    celery._state.default_app, celery._state._tls.current_app = before


@pytest.fixture(autouse=True)
def right(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have settings in which there is nothing wrong."""
    settings.CHANNEL_LAYERS = REDIS_LAYER
    settings.TASKS = WITH_WORKERS
    settings.RQ_QUEUES = QUEUES
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", "/srv/shop.sqlite3")


def test_nothing_is_wrong_with_what_is_right(app: Celery) -> None:
    assert CeleryRunner.check() == []
    assert TasksRunner.check() == []


def test_celery_without_an_application_of_the_project_is_an_error(app: Celery) -> None:
    celery._state.default_app = Celery("default", set_as_current=False)
    celery._state._tls.current_app = None
    (message,) = CeleryRunner.check()
    assert message.id == "liveops.E020"
    assert "__init__.py" in (message.hint or "")


def test_a_celery_that_runs_all_at_once_is_warned_of(app: Celery) -> None:
    app.conf.task_always_eager = True
    assert ids(CeleryRunner.check()) == ["liveops.W020"]


@pytest.mark.parametrize(
    "layer", ["liveops.layers.InMemoryChannelLayer", "channels.layers.InMemoryChannelLayer"]
)
@pytest.mark.parametrize("runner", [CeleryRunner, TasksRunner])
def test_a_layer_in_memory_is_warned_of(
    runner: Any, layer: str, settings: Any, app: Celery
) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": layer}}
    (message,) = runner.check()
    assert message.id == "liveops.W021"
    assert "[redis]" in (message.hint or "")


@pytest.mark.parametrize("name", ["", ":memory:", "file:shop?mode=memory&cache=shared"])
@pytest.mark.parametrize("runner", [CeleryRunner, TasksRunner])
def test_a_database_in_memory_is_an_error(
    runner: Any, name: str, settings: Any, app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", name)
    assert ids(runner.check()) == ["liveops.E021"]


@pytest.mark.parametrize("runner", [CeleryRunner, TasksRunner])
def test_options_that_are_no_json_are_an_error(
    runner: Any, app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Walk, "runner_options", {"priority": object()})
    (message,) = runner.check()
    assert (message.id, message.obj) == ("liveops.E022", Walk)
    assert "testapp.Walk" in message.msg


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"queue": "b"}, "queue is not one of backend, priority, queue_name"),
        ({"queue_name": "nowhere"}, "nowhere"),
        ({"backend": "nowhere"}, "nowhere"),
        ({"priority": 5}, "priority"),
    ],
)
def test_options_that_tasks_do_not_take_are_an_error(
    options: dict[str, Any], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Walk, "runner_options", options)
    (message,) = TasksRunner.check()
    assert message.id == "liveops.E022"
    assert says in message.msg


def test_options_that_tasks_take_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Walk, "runner_options", {"queue_name": "b"})
    assert TasksRunner.check() == []


@pytest.mark.parametrize("name", ["immediate.ImmediateBackend", "dummy.DummyBackend"])
@pytest.mark.parametrize("alias", ["default", "other"])
def test_a_backend_without_workers_is_warned_of(
    alias: str, name: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    framework = tasks._framework.__name__
    settings.TASKS = {**WITH_WORKERS, alias: {"BACKEND": f"{framework}.backends.{name}"}}
    if alias != "default":
        monkeypatch.setattr(Walk, "runner_options", {"backend": alias})
    (message,) = TasksRunner.check()
    assert message.id == "liveops.W022"
    assert repr(alias) in message.msg


def test_a_queue_of_rq_with_its_short_timeout_is_warned_of(settings: Any) -> None:
    settings.RQ_QUEUES = {**QUEUES, "b": {"HOST": "localhost"}}
    (message,) = TasksRunner.check()
    assert message.id == "liveops.W023"
    assert message.msg.endswith("three minutes in: b.")


# What is missing


@pytest.mark.parametrize(
    ("runner", "missing"), [("celery", ["celery"]), ("tasks", ["django_tasks", "django.tasks"])]
)
def test_a_runner_without_its_library_names_what_to_install(
    runner: str, missing: list[str], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LIVEOPS = {"RUNNER": runner}
    with monkeypatch.context() as patch:
        patch.delitem(sys.modules, f"liveops.runners.{runner}")
        for name in missing:
            patch.setitem(sys.modules, name, None)
        with pytest.raises(ConfigurationError, match=rf"django-live-operations\[{runner}\]"):
            conf.load_runner()


def test_what_others_call_tasks_can_be_imported_without_celery(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "liveops.tasks", raising=False)
    monkeypatch.setitem(sys.modules, "celery", None)
    import liveops.tasks  # noqa: PLC0415  (that is the test)

    assert not hasattr(liveops.tasks, "run_operation")
    monkeypatch.delitem(sys.modules, "liveops.tasks")


def test_a_default_backend_that_takes_no_tasks_is_named(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LIVEOPS = {"RUNNER": "tasks"}
    settings.TASKS = {"default": {**WITH_WORKERS["default"], "QUEUES": ["imports"]}}
    monkeypatch.delitem(sys.modules, "liveops.runners.tasks")
    with pytest.raises(ConfigurationError, match="default backend in TASKS"):
        conf.load_runner()

"""Settings that are right each by itself, and cannot work together."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.checks import INFO, WARNING, CheckMessage

from liveops import conf
from liveops.checks import check_settings
from liveops.checks.runners import server_processes
from liveops.models import LiveOperation
from liveops.runners.base import Runner
from tests.testapp.models import Walk

HERE = {"default": {"BACKEND": "liveops.layers.InMemoryChannelLayer"}}
REDIS = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer"}}


class Apart(Runner):
    """Stands for a runner whose operations run in other processes."""

    spans_processes = True

    def enqueue(self, operation: LiveOperation) -> None:
        """Take it."""


class Replicas:
    """Reads one model from somewhere else; every second time, as one of two replicas."""

    model: Any = None
    turn = 0

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        """Read from the replica."""
        type(self).turn += 1
        return "replica" if model is self.model and self.turn % 2 else None


def ids(messages: list[CheckMessage]) -> list[str | None]:
    return [message.id for message in messages]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Return what sets variables; those of servers are not set."""
    monkeypatch.delenv("WEB_CONCURRENCY", raising=False)
    monkeypatch.delenv("GUNICORN_CMD_ARGS", raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    ("concurrency", "arguments", "expected"),
    [
        ("", "", ("WEB_CONCURRENCY", 1)),
        ("3", "", ("WEB_CONCURRENCY", 3)),
        ("auto", "", ("WEB_CONCURRENCY", 1)),
        ("3", "--workers=5", ("GUNICORN_CMD_ARGS", 5)),
        ("", "--bind=0.0.0.0 --workers 4 --timeout 30", ("GUNICORN_CMD_ARGS", 4)),
        ("", "-w 4", ("GUNICORN_CMD_ARGS", 4)),
        ("", "-w4 -t 30", ("GUNICORN_CMD_ARGS", 4)),
        ("", "-w 1 --workers=2", ("GUNICORN_CMD_ARGS", 2)),
        ("2", "--worker-class=uvicorn.workers.UvicornWorker --threads=8", ("WEB_CONCURRENCY", 2)),
        ("2", "--worker-connections 500", ("WEB_CONCURRENCY", 2)),
        ("", "--name 'never closed -w 4", ("WEB_CONCURRENCY", 1)),
    ],
)
def test_the_number_of_processes_that_a_server_is_told(
    concurrency: str, arguments: str, expected: tuple[str, int]
) -> None:
    variables = {"WEB_CONCURRENCY": concurrency, "GUNICORN_CMD_ARGS": arguments}
    assert server_processes(variables) == expected
    assert server_processes({}) == ("WEB_CONCURRENCY", 1)


@pytest.mark.parametrize(
    ("around", "found"),
    [
        (("thread", HERE, "2"), ["liveops.W004"]),
        (("eager", HERE, "2"), ["liveops.W004"]),
        (("thread", HERE, "1"), []),
        (("thread", REDIS, "2"), []),
        ((f"{__name__}.Apart", HERE, "2"), []),
    ],
    ids=["thread", "eager", "one-process", "redis", "apart"],
)
def test_several_processes_need_a_layer_that_joins_them(
    settings: Any, environment: Any, around: tuple[str, Any, str], found: list[str]
) -> None:
    runner, layers, processes = around
    settings.LIVEOPS = {"RUNNER": runner}
    settings.CHANNEL_LAYERS = layers
    environment.setenv("WEB_CONCURRENCY", processes)
    messages = check_settings(None)
    assert ids(messages) == found
    assert all("WEB_CONCURRENCY asks for 2 server processes" in one.msg for one in messages)


@pytest.mark.parametrize(
    ("runner", "debug", "found"),
    [
        ("thread", False, ("liveops.W005", WARNING)),
        ("eager", False, ("liveops.W005", WARNING)),
        ("thread", True, ("liveops.I001", INFO)),
        (f"{__name__}.Apart", False, ("liveops.I001", INFO)),
    ],
    ids=["thread", "eager", "debug", "apart"],
)
def test_who_reaps_not_by_itself_is_told_of_the_command(
    settings: Any, runner: str, debug: bool, found: tuple[str, int]
) -> None:
    settings.DEBUG = debug
    settings.LIVEOPS = {"RUNNER": runner, "REAP_SECONDS": 0}
    (message,) = check_settings(None)
    assert (message.id, message.level) == found
    assert "liveops_reap" in message.msg
    settings.LIVEOPS = {"RUNNER": runner, "REAP_SECONDS": 5}
    assert check_settings(None) == []


class Hasty(Apart):
    """A runner whose own check fails."""

    @classmethod
    def check(cls) -> list[CheckMessage]:
        raise LookupError("no broker")


def test_a_runner_whose_check_fails_is_an_error_and_no_traceback(settings: Any) -> None:
    settings.LIVEOPS = {"RUNNER": f"{__name__}.Hasty"}
    (message,) = check_settings(None)
    assert message.id == "liveops.E002"
    assert "LookupError('no broker')" in message.msg


@pytest.mark.parametrize("path", ["..foo", "tests.unit.raises_at_import.Runner"])
def test_a_runner_that_cannot_be_loaded_is_an_error_whatever_it_raises(
    settings: Any, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def broken(name: str) -> Any:
        raise RuntimeError("half a module") if name == path else AssertionError(name)

    if not path.startswith("."):
        monkeypatch.setattr(conf, "import_string", broken)
    settings.LIVEOPS = {"RUNNER": path}
    (message,) = check_settings(None)
    assert message.id == "liveops.E002"


def test_layers_that_are_none_are_no_layer(settings: Any) -> None:
    settings.CHANNEL_LAYERS = None
    assert ids(check_settings(None)) == ["liveops.W001"]


def test_threads_must_be_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = SimpleNamespace(is_module_patched=lambda name: name == "threading")
    monkeypatch.setitem(sys.modules, "gevent.monkey", fake)
    assert ids(check_settings(None)) == ["liveops.E010"]


@pytest.mark.parametrize(
    ("layer", "hint"),
    [
        ({"BACKEND": "channels_redis.nothing.Layer"}, "django-live-operations[redis]"),
        ({"BACKEND": "channels_redis.core.NoSuchLayer"}, "django-live-operations[redis]"),
        ({"BACKEND": "redis"}, "dotted path"),
        ({}, "dotted path"),
    ],
    ids=["no-module", "no-class", "no-path", "none"],
)
def test_a_layer_that_cannot_be_imported_is_an_error(
    settings: Any, layer: dict[str, str], hint: str
) -> None:
    settings.CHANNEL_LAYERS = {"default": layer}
    (found,) = check_settings(None)
    assert found.id == "liveops.E012"
    assert hint in (found.hint or "")


@pytest.mark.parametrize("model", [LiveOperation, Walk])
def test_operations_must_not_be_read_from_a_replica(settings: Any, model: Any) -> None:
    Replicas.model = model
    settings.DATABASE_ROUTERS = [Replicas()]
    (found,) = check_settings(None)
    assert found.id == "liveops.W007"
    assert model._meta.label in found.msg
    Replicas.model = object
    assert check_settings(None) == []

"""Observers that settings switch on: connected once, and nothing breaks without their library."""

import sys
from typing import Any

import pytest
from django.apps import apps

from liveops import contrib, events
from liveops.checks import check_settings

SWITCHES = [
    pytest.param(("TRACING", "opentelemetry", "opentelemetry"), id="tracing"),
    pytest.param(("METRICS", "prometheus", "prometheus_client"), id="metrics"),
]


@pytest.fixture(autouse=True)
def observers(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the observers, of which there are none at the beginning."""
    found: list[Any] = []
    monkeypatch.setattr(events, "_observers", found)
    return found


@pytest.fixture
def ready(settings: Any) -> Any:
    """Return a function that makes the app ready with some settings."""

    def make_ready(**values: Any) -> None:
        settings.LIVEOPS = values
        apps.get_app_config("liveops").ready()

    return make_ready


def test_nothing_observes_unless_it_is_switched_on(ready: Any, observers: list[Any]) -> None:
    ready()
    assert observers == []


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_switch_connects_its_observer_once(
    ready: Any, observers: list[Any], switch: tuple[str, str, str]
) -> None:
    setting, extra, _ = switch
    ready(**{setting: True})
    ready(**{setting: True})
    (observer,) = observers
    assert type(observer.__self__).__module__ == f"liveops.contrib.{extra}"
    assert check_settings(None) == []


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_missing_library_is_an_error_of_the_checks_and_stops_nothing(
    ready: Any,
    observers: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    switch: tuple[str, str, str],
) -> None:
    setting, extra, library = switch
    monkeypatch.delitem(sys.modules, f"liveops.contrib.{extra}", raising=False)
    monkeypatch.delattr(contrib, extra, raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    ready(**{setting: True})
    assert observers == []
    (record,) = caplog.records
    assert f"LIVEOPS['{setting}'] is on, but has no effect" in record.getMessage()
    (found,) = check_settings(None)
    assert found.id == "liveops.E011"
    assert setting in found.msg
    assert found.hint == f"Install it: pip install 'django-live-operations[{extra}]'."


def test_bad_settings_are_left_to_the_checks(ready: Any, observers: list[Any]) -> None:
    ready(TRACING="yes", METRICS=True)
    assert observers == []
    assert [message.id for message in check_settings(None)] == ["liveops.E001"]

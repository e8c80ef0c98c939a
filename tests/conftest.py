"""Fixtures of the whole suite."""

import os
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.utils import translation

from liveops import outages
from scripts import ensure_parts

pytest_plugins = ["liveops.testing.plugin", "pytester", "tests.engines.fixtures", "tests.ordering"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Put the test database into a file of its own, or under a name of its own into a server.

    An in-memory SQLite database belongs to one connection; operations run in other threads. The
    directory differs for each run and each worker of a parallel run, so none disturbs another.
    """
    if connections["default"].vendor != "sqlite":
        request.getfixturevalue("django_db_modify_db_settings_parallel_suffix")
        return
    path = tmp_path_factory.mktemp("database") / "test.sqlite3"
    connections["default"].settings_dict["TEST"]["NAME"] = str(path)


@pytest.fixture(scope="session", autouse=True)
def media_root(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Put uploaded files into a folder of their own."""
    settings.MEDIA_ROOT = str(tmp_path_factory.mktemp("media"))


@pytest.fixture(scope="session", autouse=True)
def no_reaping_thread() -> Iterator[None]:
    """Let no operation start a thread that reaps: it would read the database of later tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("liveops.reaping_thread.start", lambda: None)
        yield


@pytest.fixture(autouse=True)
def own_outages() -> None:
    """Let no test hear of what was away in another one."""
    outages._databases.clear()
    outages._layer = outages._new_layer()


@pytest.fixture(autouse=True)
def own_language() -> None:
    """Let no test speak the language of the last page that another one asked for."""
    translation.deactivate()


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of the browser; without one the test fails, it is never skipped."""
    path = ensure_parts.find_chromium(os.environ)
    if path is None:
        pytest.fail("Chromium is not on this machine: `make test` brings it, or says how.")
    return path


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Escape lone surrogates in what a worker reports: a parallel run cannot send them."""
    return _sendable((yield))


def _sendable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {key: _sendable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_sendable(item) for item in value)
    return value

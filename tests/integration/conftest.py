"""Fixtures of the integration tests."""

import threading
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management.commands import flush

from liveops import registry, shutdown
from tests.integration.edge import DEADLINE, HeldRun, person

Templates = Callable[[dict[str, str]], None]


_KEPT = {"auth_permission", "django_content_type"}


@pytest.fixture(scope="session", autouse=True)
def quick_flush() -> Iterator[None]:
    """Empty the tables after a test, but leave what is the same for all tests.

    To make content types and permissions anew takes ten times as long as all the rest.
    """

    def statements(style: Any, connection: Any, **options: Any) -> Any:
        tables = connection.introspection.django_table_names(only_existing=True)
        return connection.ops.sql_flush(style, [t for t in tables if t not in _KEPT], **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush, "sql_flush", statements)
        patch.setattr(flush, "emit_post_migrate_signal", lambda *_: None)
        yield


@pytest.fixture(autouse=True)
def process_goes_on() -> Iterator[None]:
    """Let no test leave a process behind that takes no operations any more."""
    yield
    registry._goes_down = shutdown._has_given_up = False


@pytest.fixture(autouse=True)
def cancelling_ends() -> Iterator[None]:
    """Wait for what a Ctrl-C has begun, which the end of a run overtakes: it asks the database."""
    yield
    for thread in threading.enumerate():
        if thread.name == "liveops-cancel":
            thread.join(DEADLINE)


@pytest.fixture
def templates(settings: Any) -> Templates:
    """Return a function that puts templates, by name, before those of the apps."""

    def use(sources: dict[str, str]) -> None:
        configured = deepcopy(settings.TEMPLATES)
        configured[0]["APP_DIRS"] = False
        configured[0]["OPTIONS"]["loaders"] = [
            ("django.template.loaders.locmem.Loader", sources),
            "django.template.loaders.app_directories.Loader",
        ]
        settings.TEMPLATES = configured

    return use


@pytest.fixture
def owner(db: None) -> User:
    """Return a user who owns operations."""
    return person("owner")


@pytest.fixture
def run(owner: User) -> Iterator[HeldRun]:
    """Return a run of the owner's that waits for orders."""
    with HeldRun(owner=owner) as held:
        yield held


@pytest.fixture
def other_run(owner: User) -> Iterator[HeldRun]:
    """Return a second one."""
    with HeldRun(owner=owner) as held:
        yield held


@pytest.fixture(params=["memory", "database"])
def source(request: pytest.FixtureRequest, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Read snapshots from the run in this process, or from the database as another would."""
    if request.param == "database":
        settings.LIVEOPS = {"RUNNER": "eager", "PERSIST_SECONDS": 1e-6}
        monkeypatch.setattr(registry, "find", lambda pk: None)
    return request.param

"""The pytest plugin: fixtures, and what happened in an operation below the test that failed.

pytest loads this module in every project that has the package installed, also in those without
Django. So nothing is imported here that only a test of operations needs.
"""

import sys
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from liveops.testing.fixtures import Operations, Watches


@pytest.fixture
def live_operation() -> "Operations":
    """Make operations: ``live_operation(Import, owner=user, source=file)`` saves one.

    ``live_operation.run(…)`` runs it, too, and returns its outcome; ``live_operation.enqueue(…)``
    enqueues it, so that it has run when this returns.
    """
    from liveops.testing.fixtures import Operations  # noqa: PLC0415  (needs Django)

    return Operations()


@pytest.fixture
def liveops_watch(request: pytest.FixtureRequest) -> "Iterator[Watches]":
    """Watch operations: ``liveops_watch(op, user=user)`` opens a page's socket.

    In a coroutine write ``async with liveops_watch(op, user=user) as watch:``.
    """
    from liveops.testing.fixtures import Watches  # noqa: PLC0415  (needs Django)

    for name in ("transactional_db", "db"):
        if name in request.fixturenames:
            request.getfixturevalue(name)  # first, so that it is there until all is closed
    watches = Watches()
    yield watches
    watches.close()


def _record() -> Any:
    """Return the module that keeps records; None in a run that has recorded nothing yet."""
    return sys.modules.get("liveops.testing.record")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, Any, Any]:
    """Keep what is recorded in a test until it is over."""
    if (module := _record()) is not None:
        module.kept = []
    try:
        return (yield)
    finally:
        if (module := _record()) is not None:
            module.kept = None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: Any) -> Generator[None, Any, Any]:
    """Put what was recorded below the report of a test that failed."""
    report = yield
    module = _record()
    if module is not None and report.failed:
        report.sections += [("operation", str(record)) for record in module.kept or ()]
        module.kept = []
    return report

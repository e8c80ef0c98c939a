"""Fixtures of the tests with hostile input."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fuzz.world import World
from tests.integration.conftest import process_goes_on, quick_flush

__all__ = ["process_goes_on", "quick_flush"]


class Errors(logging.Handler):
    """Keeps what the server would have logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record, unless it tells of a request that Django itself refused with 400."""
        if not record.name.startswith("django.security."):
            self.records.append(self.format(record))


@pytest.fixture(autouse=True)
def errors() -> Iterator[list[str]]:
    """Fail a test that has an error logged, by whichever logger."""
    handler = Errors()
    root = logging.getLogger()
    root.addHandler(handler)
    logging.disable(logging.WARNING)  # thousands of refusals are no news, and take their time
    try:
        yield handler.records
    finally:
        logging.disable(logging.NOTSET)
        root.removeHandler(handler)
    assert handler.records == []


@pytest.fixture
def world(transactional_db: None, settings: Any, errors: list[str]) -> World:
    """Return people and operations to be tried on."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    made = World.make()
    errors.clear()  # some of the operations fail
    return made

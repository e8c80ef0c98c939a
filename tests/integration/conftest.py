"""Fixtures of the integration tests."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

Templates = Callable[[dict[str, str]], None]


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

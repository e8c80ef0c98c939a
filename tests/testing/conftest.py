"""Fixtures of the tests of ``liveops.testing``."""

from typing import Any

import pytest
from django.contrib.auth.models import User


@pytest.fixture
def ann(db: Any) -> User:
    """Return a user."""
    return User.objects.create(username="ann")

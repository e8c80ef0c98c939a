"""Fixtures of the example's tests."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from example import settings as example


@pytest.fixture
def site(settings: Any) -> None:
    """Configure Django as the example project does, but for the runner, the files and DEBUG."""
    for name in ("TEMPLATES", "MIDDLEWARE", "CONTENT_SECURITY_POLICY", "LOGIN_URL"):
        setattr(settings, name, getattr(example, name))
    settings.LOGIN_REDIRECT_URL = example.LOGIN_REDIRECT_URL
    settings.LOGOUT_REDIRECT_URL = example.LOGOUT_REDIRECT_URL
    settings.ROOT_URLCONF = example.ROOT_URLCONF
    settings.LIVEOPS = {**example.LIVEOPS, "RUNNER": "eager"}


@pytest.fixture
def demo(db: None) -> Any:
    """A user without any rights."""
    return get_user_model().objects.create_user("demo", password="demo")


@pytest.fixture
def browser_of_demo(site: None, demo: Any, client: Client) -> Client:
    """A client that is logged in as this user."""
    client.force_login(demo)
    return client

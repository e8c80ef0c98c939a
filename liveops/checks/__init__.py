"""System checks: settings and operation classes that cannot work are found before anything runs.

Every process registers them, and few run them: what they look at is loaded when they are run.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from django.core.checks import CheckMessage, register

__all__ = ["check_operations", "check_pages", "check_settings", "check_sockets"]


@register("liveops")
def check_operations(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """Check every operation class: its stages, and that there is something to run."""
    found: list[CheckMessage] = import_module("liveops.checks.operations").class_messages()
    return found


@register("liveops")
def check_pages(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """Check what pages need beside settings of their own: apps, addresses, a login, a server."""
    found: list[CheckMessage] = import_module("liveops.checks.pages").page_messages()
    return found


@register("liveops")
def check_settings(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """Check the ``LIVEOPS`` dict, and what it needs of the other settings."""
    found: list[CheckMessage] = import_module("liveops.checks.settings").settings_messages()
    return found


@register("liveops")
def check_sockets(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """Check what stands between the server and the socket."""
    found: list[CheckMessage] = import_module("liveops.checks.security").socket_messages()
    return found

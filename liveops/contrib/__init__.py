"""Observers that need libraries which not every project has; each is switched on by a setting."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from liveops.conf import get_settings

logger = logging.getLogger("liveops")


@dataclass(frozen=True, slots=True)
class Missing:
    """A setting that is on, while its library is missing.

    Attributes:
        setting: its key in ``LIVEOPS``.
        extra: what to install beside the package.
        reason: what Python says.
    """

    setting: str
    extra: str
    reason: str


def missing() -> list[Missing]:
    """Return what is switched on but cannot be."""
    return _switch_on(lambda observer: None)


def connect() -> None:
    """Have the observers told that are switched on; a missing library is logged.

    It is a system check's error too, but servers and workers run none, and must not fail over it.
    """
    for it in _switch_on(lambda observer: observer()):
        logger.error("liveops: LIVEOPS[%r] is on, but has no effect: %s", it.setting, it.reason)


def _switch_on(use: Callable[[Callable[[], None]], None]) -> list[Missing]:
    # Imported only if switched on: the libraries may be missing.
    settings = get_settings()
    found: list[Missing] = []
    if settings.TRACING:
        try:
            from liveops.contrib import opentelemetry  # noqa: PLC0415
        except ImportError as error:
            found.append(Missing("TRACING", "opentelemetry", str(error)))
        else:
            use(opentelemetry.connect)
    if settings.METRICS:
        try:
            from liveops.contrib import prometheus  # noqa: PLC0415
        except ImportError as error:
            found.append(Missing("METRICS", "prometheus", str(error)))
        else:
            use(prometheus.connect)
    return found

"""The only reader of the ``LIVEOPS`` setting."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from functools import cache
from typing import Any

from django.conf import settings as django_settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from liveops.exceptions import ConfigurationError

RUNNERS = {
    "eager": "liveops.runners.eager.EagerRunner",
    "thread": "liveops.runners.thread.ThreadRunner",
    "threading": "liveops.runners.thread.ThreadRunner",
    "celery": "liveops.runners.celery.CeleryRunner",
    "tasks": "liveops.runners.tasks.TasksRunner",
}
"""Short names of the runners that liveops ships; any other value is a dotted path."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The values of the ``LIVEOPS`` dict, each with its default.

    Attributes:
        BASE_TEMPLATE: the template that the built-in pages extend.
        RUNNER: ``"thread"``, ``"celery"``, ``"tasks"``, ``"eager"`` or the dotted path of a
            runner class.
        RUNNER_THREADS: operations that the thread runner carries out at the same time.
        SHUTDOWN_GRACE: seconds that running operations get when the process ends.
        THROTTLE_HZ: most frames a second for one operation.
        PERSIST_SECONDS: least time between two saves of percent, status and counts.
        HEARTBEAT_SECONDS: longest time between two signs of life of a run.
        STALE_SECONDS: age of the last sign of life from which a run counts as dead.
        REAP_SECONDS: how often a process that runs or shows operations looks for dead runs; 0
            leaves that to ``manage.py liveops_reap``.
        REQUEUE_SECONDS: how long an operation waits for its runner before it is handed over again;
            twice as long each time.
        LOG_LINES: log lines kept for one operation; the oldest go first.
        REQUIRED_GROUP: name of the group that a user must be in to see anything, or None.
        TOKEN_MAX_AGE: seconds for which a signed subscription token is good.
        SHARE_SECONDS: how long a share link is good for, if it is not said when it is made.
        MAX_SUBSCRIPTIONS: operations that one socket may watch at the same time.
        MAX_SOCKETS_PER_USER: sockets that one user may have open to one process; 0 for any number.
        SUBSCRIBE_SECONDS: how long a socket may be open without watching anything.
        SLOW_READER_SECONDS: how long a reader may take none of what waits for it.
        RECHECK_SECONDS: how often those who watch are asked for their permission again.
        MAX_RUNNING_PER_USER: operations of one owner that may wait and run at the same time; 0 for
            any number.
        REDIRECT_HOSTS: other sites that ``get_success_url()`` and its like may lead to.
        REDACT: regular expressions for what must not be stored or sent: of each match its first
            group, or all of it if it has none, is masked in logs, statuses, commands, errors and
            tracebacks.
        TRACING: whether runs are traced with OpenTelemetry.
        TRACING_TRACEBACKS: whether the traceback of a run that failed goes into its span.
        METRICS: whether runs are counted for Prometheus.
    """

    BASE_TEMPLATE: str = "liveops/base.html"
    RUNNER: str = "thread"
    RUNNER_THREADS: int = 4
    SHUTDOWN_GRACE: float = 5.0
    THROTTLE_HZ: float = 10.0
    PERSIST_SECONDS: float = 1.0
    HEARTBEAT_SECONDS: float = 5.0
    STALE_SECONDS: float = 15.0
    REAP_SECONDS: float = 5.0
    REQUEUE_SECONDS: float = 60.0
    LOG_LINES: int = 100_000
    REQUIRED_GROUP: str | None = None
    TOKEN_MAX_AGE: int = 3_600
    SHARE_SECONDS: int = 604_800
    MAX_SUBSCRIPTIONS: int = 100
    MAX_SOCKETS_PER_USER: int = 100
    SUBSCRIBE_SECONDS: float = 10.0
    SLOW_READER_SECONDS: float = 30.0
    RECHECK_SECONDS: float = 60.0
    MAX_RUNNING_PER_USER: int = 0
    REDIRECT_HOSTS: Sequence[str] = ()
    REDACT: Sequence[str] = ()
    TRACING: bool = False
    TRACING_TRACEBACKS: bool = False
    METRICS: bool = False


_POSITIVE = {
    "RUNNER_THREADS",
    "THROTTLE_HZ",
    "PERSIST_SECONDS",
    "HEARTBEAT_SECONDS",
    "STALE_SECONDS",
    "REQUEUE_SECONDS",
    "LOG_LINES",
    "TOKEN_MAX_AGE",
    "SHARE_SECONDS",
    "MAX_SUBSCRIPTIONS",
    "SUBSCRIBE_SECONDS",
    "SLOW_READER_SECONDS",
    "RECHECK_SECONDS",
}


_LARGEST = 10**9
"""More than anybody means, and what databases can still reckon with: seconds, lines, threads."""

_SMALLEST = 1e-6
"""Less than anybody means, and what can still be divided by."""


_HOST = re.compile(r"\.?[a-z0-9][a-z0-9.-]*|\[[a-f0-9:.]+\]", re.IGNORECASE)


def problems(given: object) -> list[str]:
    """Return one sentence for everything that is wrong with a value of ``LIVEOPS``."""
    if not isinstance(given, dict):
        return [f"LIVEOPS must be a dict, not {type(given).__name__}."]
    known = {field.name: field for field in fields(Settings)}
    found: list[str] = []
    for key, value in given.items():
        if key not in known:
            close = get_close_matches(str(key), known, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else f" Known keys: {', '.join(known)}."
            found.append(f"LIVEOPS has an unknown key {key!r}.{hint}")
        else:
            found.extend(_value_problems(key, value))
    return found or _relation_problems(Settings(**given))


def _relation_problems(settings: Settings) -> list[str]:
    """Return what is wrong with values that are right each by itself."""
    heartbeat, stale = settings.HEARTBEAT_SECONDS, settings.STALE_SECONDS
    if heartbeat * 2 > stale:
        problem = (
            f"LIVEOPS['STALE_SECONDS'] ({stale}) must be at least twice HEARTBEAT_SECONDS "
            f"({heartbeat}): one late sign of life would make a run that is alive INTERRUPTED."
        )
        return [problem]
    return []


def _value_problems(key: str, value: object) -> list[str]:
    default = getattr(Settings(), key)
    if isinstance(default, str):
        if not isinstance(value, str) or not value:
            return [f"LIVEOPS[{key!r}] must be a non-empty string, not {value!r}."]
    elif isinstance(default, tuple):
        return _text_problems(key, value)
    elif key == "REQUIRED_GROUP":
        if value is not None and not (isinstance(value, str) and value):
            return [f"LIVEOPS[{key!r}] must be the name of a group or None, not {value!r}."]
    elif isinstance(default, bool):
        if not isinstance(value, bool):
            return [f"LIVEOPS[{key!r}] must be True or False, not {value!r}."]
    elif isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
        return [f"LIVEOPS[{key!r}] must be a number, not {value!r}."]
    elif isinstance(default, int) and not isinstance(value, int):
        return [f"LIVEOPS[{key!r}] must be a whole number, not {value!r}."]
    elif key in _POSITIVE and value <= 0:
        return [f"LIVEOPS[{key!r}] must be greater than 0, not {value!r}."]
    elif key in _POSITIVE and value < _SMALLEST:
        return [f"LIVEOPS[{key!r}] must be at least {_SMALLEST:f}, not {value!r}."]
    elif value > _LARGEST:
        return [f"LIVEOPS[{key!r}] must be at most {_LARGEST:,}, not {value!r}."]
    elif value < 0:
        return [f"LIVEOPS[{key!r}] must be 0 or more, not {value!r}."]
    return []


def _text_problems(key: str, value: object) -> list[str]:
    """Return what is wrong with a list of texts."""
    if not isinstance(value, list | tuple) or not all(isinstance(x, str) and x for x in value):
        return [f"LIVEOPS[{key!r}] must be a list of non-empty strings, not {value!r}."]
    if key == "REDIRECT_HOSTS":
        return [
            f"LIVEOPS[{key!r}] has {text!r}; write the name of a host alone, such as "
            f"'www.example.com', or '.example.com' for it and all below it."
            for text in value
            if not _HOST.fullmatch(text)
        ]
    return [problem for text in value if (problem := _pattern_problem(key, text))]


def _pattern_problem(key: str, text: str) -> str | None:
    try:
        matches_nothing = re.compile(text).search("") is not None
    except re.error as error:
        return f"LIVEOPS[{key!r}] has {text!r}, which is no regular expression: {error}."
    if matches_nothing:
        return f"LIVEOPS[{key!r}] has {text!r}, which matches where there is nothing to mask."
    return None


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no float can hold
        return False


@cache
def get_settings() -> Settings:
    """Return the settings in force.

    Raises:
        ConfigurationError: the ``LIVEOPS`` dict has an unknown key or a bad value.
    """
    given = getattr(django_settings, "LIVEOPS", {})
    if found := problems(given):
        raise ConfigurationError(" ".join(found))
    return Settings(**given)


def runner_path() -> str:
    """Return the dotted path of the configured runner class."""
    name = get_settings().RUNNER
    return RUNNERS.get(name, name)


def load_runner() -> Any:
    """Return the class of the configured runner.

    Raises:
        ConfigurationError: the path names nothing that can be imported.
    """
    path = runner_path()
    try:
        return import_string(path)
    except Exception as error:  # whatever a module raises when it is loaded
        names = ", ".join(repr(name) for name in RUNNERS)
        raise ConfigurationError(
            f"LIVEOPS['RUNNER'] is {path!r}, which cannot be imported ({error}). "
            f"Use one of {names} or the dotted path of a runner class."
        ) from error


def _forget(*, setting: str, **_: object) -> None:
    if setting == "LIVEOPS":
        get_settings.cache_clear()


setting_changed.connect(_forget, dispatch_uid="liveops.conf")

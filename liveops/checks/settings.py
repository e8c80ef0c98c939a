"""Whether the settings can work: each by itself, and together."""

import inspect
from collections.abc import Callable, Sequence

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

from liveops import conf, contrib
from liveops.checks.advice import MEMORY_LAYER, REDIS_LAYER
from liveops.checks.database import database_messages
from liveops.checks.runners import runner_messages
from liveops.exceptions import ConfigurationError

_SETTING_HINT = (
    "Correct it in LIVEOPS in the settings, or leave the key out: every key has a default, which "
    "the reference of settings lists."
)
_RUNNER_HINT = "Write LIVEOPS = {'RUNNER': 'thread'} to run operations in the server itself."
_SHIPPED_LAYER = "channels.layers.InMemoryChannelLayer"


def settings_messages() -> list[CheckMessage]:
    """Return what is wrong with the ``LIVEOPS`` dict, and with what it needs beside it."""
    given = getattr(settings, "LIVEOPS", {})
    found: list[CheckMessage] = [
        Error(problem, hint=_SETTING_HINT, id="liveops.E001") for problem in conf.problems(given)
    ]
    if found:
        return found
    try:
        runner = conf.load_runner()
    except ConfigurationError as error:
        return [Error(str(error), hint=_RUNNER_HINT, id="liveops.E002")]
    if not callable(getattr(runner, "submit", None)) or inspect.isabstract(runner):
        return [
            Error(
                f"LIVEOPS['RUNNER'] is {conf.runner_path()!r}, which is not a runner class.",
                hint="Subclass liveops.runners.base.Runner and write enqueue().",
                id="liveops.E002",
            )
        ]
    own = getattr(runner, "check", None)  # a runner need not derive from ours
    return [
        *_layer_messages(),
        *database_messages(),
        *runner_messages(runner),
        *_switch_messages(),
        *(_own_messages(own) if own is not None else ()),
    ]


def _own_messages(check: Callable[[], Sequence[CheckMessage]]) -> Sequence[CheckMessage]:
    """Return what a runner finds; one that fails over it is no use either."""
    try:
        return check()
    except Exception as error:  # noqa: BLE001  (a runner may be anybody's)
        message = f"The check() of the runner {conf.runner_path()!r} failed: {error!r}"
        hint = "The runner's class method check() has to return a list of messages; mend it."
        return [Error(message, hint=hint, id="liveops.E002")]


def _layer_messages() -> list[CheckMessage]:
    layers = getattr(settings, "CHANNEL_LAYERS", None) or {}
    if "default" not in layers:
        return [
            checks.Warning(
                "There is no default channel layer, so pages are not updated live.",
                hint=f"For one server process, write {MEMORY_LAYER} into the settings; for "
                f"several, or with workers: {REDIS_LAYER}",
                id="liveops.W001",
            )
        ]
    path = layers["default"].get("BACKEND")
    if path == _SHIPPED_LAYER:
        return [
            checks.Warning(
                f"CHANNEL_LAYERS names {_SHIPPED_LAYER}, which delivers what other threads send "
                f"seconds late: pages lag behind operations.",
                hint=f"Write {MEMORY_LAYER} instead.",
                id="liveops.W002",
            )
        ]
    return _import_messages(path)


def _import_messages(path: object) -> list[CheckMessage]:
    """Return why a channel layer cannot be used: each page and each run would fail over it."""
    try:
        import_string(str(path))
    except (ImportError, AttributeError) as error:
        hint = "Set BACKEND to the dotted path of a channel layer that is installed."
        if str(path).startswith("channels_redis."):
            hint = "Install it: pip install 'django-live-operations[redis]'."
        message = f"The default channel layer is {path!r}, which cannot be imported ({error})."
        return [Error(message, hint=hint, id="liveops.E012")]
    return []


def _switch_messages() -> list[CheckMessage]:
    """Return an error for each setting that is switched on, but whose library is missing."""
    return [
        Error(
            f"LIVEOPS[{missing.setting!r}] is on, but cannot be: {missing.reason}.",
            hint=f"Install it: pip install 'django-live-operations[{missing.extra}]'.",
            id="liveops.E011",
        )
        for missing in contrib.missing()
    ]

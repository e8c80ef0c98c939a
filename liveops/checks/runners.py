"""Whether runs are seen, ended and looked after where the configured runner carries them out."""

import os
import re
import shlex
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage

from liveops import conf
from liveops.checks.advice import REDIS_LAYER
from liveops.runners.patched import check_patched

_IN_MEMORY_LAYERS = (
    "channels.layers.InMemoryChannelLayer",
    "liveops.layers.InMemoryChannelLayer",
)


def runner_messages(runner: Any) -> list[CheckMessage]:
    """Return what is wrong with the settings around a runner class."""
    is_here = not getattr(runner, "spans_processes", False)
    return [
        *(_process_messages(os.environ) if is_here else ()),
        *_reap_messages(is_here=is_here),
        *check_patched(),
    ]


def _process_messages(environment: Mapping[str, str]) -> list[CheckMessage]:
    """Return a warning if other processes serve pages of what runs in this one, unheard."""
    layers = getattr(settings, "CHANNEL_LAYERS", None) or {}
    layer = layers.get("default", {}).get("BACKEND")
    if layer not in _IN_MEMORY_LAYERS:
        return []
    variable, processes = server_processes(environment)
    if processes < 2:
        return []
    return [
        checks.Warning(
            f"{variable} asks for {processes} server processes, but the channel layer joins the "
            f"parts of one only: whose socket is in another process than the run follows it only "
            f"every 2 seconds.",
            hint=f"Use a layer that joins processes: {REDIS_LAYER}",
            id="liveops.W004",
        )
    ]


def server_processes(environment: Mapping[str, str]) -> tuple[str, int]:
    """Return how many processes a server is told to start, and the variable that says so.

    Gunicorn goes by its command line first, which nobody sees here, then by GUNICORN_CMD_ARGS, then
    by WEB_CONCURRENCY; uvicorn and Heroku know the last one, too.
    """
    try:
        words = shlex.split(environment.get("GUNICORN_CMD_ARGS", ""))
    except ValueError:  # a quotation mark that is never closed
        words = []
    numbers = re.findall(r"(?:^| )(?:--workers[= ]|-w ?)(\d+)(?= |$)", " ".join(words))
    if numbers:
        return "GUNICORN_CMD_ARGS", int(numbers[-1])
    number = environment.get("WEB_CONCURRENCY", "").strip()
    return "WEB_CONCURRENCY", int(number) if number.isdecimal() else 1


def _reap_messages(*, is_here: bool) -> list[CheckMessage]:
    if conf.get_settings().REAP_SECONDS > 0:
        return []
    message = (
        "LIVEOPS['REAP_SECONDS'] is 0, so no process looks for dead runs by itself: an operation "
        "whose process was killed stays STARTED until manage.py liveops_reap is called."
    )
    hint = "Run manage.py liveops_reap --loop beside the server, or call it from a scheduler."
    # A worker of its own comes with people who run commands; a server that runs operations may not.
    if is_here and not settings.DEBUG:
        return [checks.Warning(message, hint=hint, id="liveops.W005")]
    return [checks.Info(message, hint=hint, id="liveops.I001")]

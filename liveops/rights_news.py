"""News of changed rights on its way from one process to the others, over the channel layer."""

import atexit
import os
import threading
import uuid
from typing import Any

from channels.layers import InMemoryChannelLayer as ShippedLayer

from liveops.layers import InMemoryChannelLayer, channel_layer
from liveops.rights import EVERYBODY, News
from liveops.sinks.sender import sender

GROUP = "liveops.rights"
"""The channel group that a server process joins while it has sockets."""

_FLUSH_SECONDS = 2.0

_process = uuid.uuid4().hex
_is_flushed_at_exit = False


def reaches_others() -> bool:
    """Return whether the channel layer joins processes; one in memory joins parts of this one."""
    layer = channel_layer()
    return layer is not None and not isinstance(layer, InMemoryChannelLayer | ShippedLayer)


def send(news: News) -> None:
    """Tell the other processes; returns at once."""
    if not reaches_others():
        return
    _flush_at_exit()
    message = {
        "type": GROUP,
        "from": _process,
        "users": sorted(news.users),
        "sessions": sorted(news.sessions),
        "operations": sorted(news.operations),
        "everybody": news.everybody,
    }
    sender().send(GROUP, message)


def received(message: dict[str, Any]) -> News | None:
    """Return the news in a message of the group; None for what this process sent itself."""
    if message.get("after_gap"):  # others were lost before it
        return EVERYBODY
    if message.get("from") == _process:
        return None
    users, sessions, operations = (
        frozenset(message.get(name, ())) for name in ("users", "sessions", "operations")
    )
    return News(users, sessions, operations, bool(message.get("everybody")))


def _flush_at_exit() -> None:
    """Let a process that ends at once, a shell perhaps, send its news first."""
    global _is_flushed_at_exit  # noqa: PLW0603
    if not _is_flushed_at_exit:
        _is_flushed_at_exit = True
        # When atexit has its turn, there is no thread any more that looks up an address.
        register = getattr(threading, "_register_atexit", None) or atexit.register
        register(_flush)


def _flush() -> None:
    sender().flush(_FLUSH_SECONDS)


def _after_fork() -> None:
    global _process  # noqa: PLW0603
    _process = uuid.uuid4().hex


os.register_at_fork(after_in_child=_after_fork)

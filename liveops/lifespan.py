"""The end of a server that tells its application of it, and then does not end as Python does.

Uvicorn, for one, dies of the SIGTERM that it was sent, so nothing is called that Python calls at
its exit.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from django.db import connections

from liveops import shutdown

__all__ = ["lifespan"]


async def lifespan(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Stop what runs in this process before its server ends; the ASGI application for that.

    In ``asgi.py``: ``ProtocolTypeRouter({"http": …, "websocket": …, "lifespan": lifespan})``.

    Args:
        scope: of the connection, as ASGI has it.
        receive: gives the server's messages: of its start and, later, of its end.
        send: takes the answers.
    """
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await asyncio.to_thread(_stop_runs)
    await send({"type": "lifespan.shutdown.complete"})


def _stop_runs() -> None:
    try:
        shutdown.stop_runs()
    finally:
        connections.close_all()

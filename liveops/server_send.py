"""What a server gave the application to send with, below what middleware made of it.

SessionMiddleware of Channels puts a method of its own around it, which looks at the session with
each message, and saves it with some. Of a frame it never does: a fifth of what a delivery costs
would go into looking.
"""

from typing import Any

from channels.sessions import InstanceSessionWrapper

_FRAME = "websocket.send"


def for_frames(send: Any) -> Any:
    """Return what sends a frame of a socket without a detour.

    Args:
        send: what the application was given to send with.

    Returns:
        What stands below the session's middleware, or ``send`` itself. Whatever else there is, such
        as a middleware of the project's own, or a session's that does save with frames, stays.
    """
    while True:
        wrapper: Any = getattr(send, "__self__", None)
        if type(wrapper) is not InstanceSessionWrapper or _FRAME in wrapper.save_message_types:
            return send
        send = wrapper.real_send

"""Where the addresses of the site begin, if that is not the root of its host.

Django keeps this for each thread, and for each task of an event loop. It sets it for requests and
for the main thread of a command, and nowhere else: a run in a thread of its own and a socket would
make addresses that lead beside the site.
"""

from django.conf import settings
from django.urls import get_script_prefix, set_script_prefix

from liveops.protocol import SOCKET_PATH


def adopt_script_prefix(root_path: str = "") -> None:
    """Have addresses that are made in this thread, or task, begin where the site does.

    Args:
        root_path: where the server says that it begins; ``FORCE_SCRIPT_NAME`` goes before.
    """
    prefix = settings.FORCE_SCRIPT_NAME or root_path
    if prefix and get_script_prefix() == "/":
        set_script_prefix(prefix)


def socket_path() -> str:
    """Return the path that pages connect to."""
    return get_script_prefix() + SOCKET_PATH.removeprefix("/")


def socket_routes() -> list[str]:
    """Return the paths, without the first slash, at which a server may be asked for the socket.

    A proxy may hand on the whole path, or what comes after the place of the site; and a server
    that knows this place as its root path has Channels take it away.
    """
    prefix = (settings.FORCE_SCRIPT_NAME or "").strip("/")
    path = SOCKET_PATH.removeprefix("/")
    return [path, f"{prefix}/{path}"] if prefix else [path]

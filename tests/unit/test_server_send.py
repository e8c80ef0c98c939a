"""Frames go past a middleware that does nothing for them, and past no other."""

from typing import Any

import pytest
from channels.sessions import InstanceSessionWrapper

from liveops.server_send import for_frames


async def server(message: dict[str, Any]) -> None:
    """Take what a server would send."""


class Keeping(InstanceSessionWrapper):
    """A project's own, which may do something for frames."""


class Counting:
    """Another middleware, which has a ``real_send`` as well."""

    def __init__(self, send: Any) -> None:
        self.real_send = send

    async def send(self, message: dict[str, Any]) -> None:
        """Count it, say."""
        await self.real_send(message)


def wrapped(send: Any, by: type = InstanceSessionWrapper) -> Any:
    """Put the method of a session's middleware around a function."""
    return by({"type": "websocket", "cookies": {}}, send).send


def test_a_server_s_own_is_used_as_it_is() -> None:
    assert for_frames(server) is server
    assert for_frames(wrapped(server)) is server
    assert for_frames(wrapped(wrapped(server))) is server


@pytest.mark.parametrize("by", [Keeping, Counting])
def test_what_may_do_something_for_frames_stays(by: Any) -> None:
    other = by(server).send if by is Counting else wrapped(server, by)
    assert for_frames(other) == other
    assert for_frames(wrapped(other)) == other


def test_a_session_that_is_saved_with_frames_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = [*InstanceSessionWrapper.save_message_types, "websocket.send"]
    monkeypatch.setattr(InstanceSessionWrapper, "save_message_types", kinds)
    send = wrapped(server)
    assert for_frames(send) == send

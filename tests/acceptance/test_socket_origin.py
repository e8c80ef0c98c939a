"""The example project's socket under Daphne: from where it may be opened."""

from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.acceptance.conftest import Site


def address(site: Site) -> str:
    """Return the address of the socket."""
    return site.url.replace("http", "ws") + "/ws/liveops/"


@pytest.mark.promise("socket-origin")
@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://127.0.0.1.evil.example", "null", None],
    ids=["another site", "one that looks alike", "a sandboxed page", "none"],
)
def test_another_site_opens_no_socket(site: Site, origin: Any) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(address(site), origin=origin):
        pass
    assert refused.value.response.status_code == 403


def test_the_site_s_own_pages_open_one(site: Site) -> None:
    own: Any = site.url
    with connect(address(site), origin=own) as socket:
        socket.send("no JSON")
        assert "bad_frame" in str(socket.recv(timeout=60))

"""The parts of the served benchmarks that need no server."""

import asyncio
import math
import socket
import sys
import time

import pytest

from tests.benchmarks.serving import framing, stamps
from tests.benchmarks.serving.counting import kind_of
from tests.benchmarks.serving.rounds import Round, best, lost_of, percentile, pooled
from tests.benchmarks.serving.site import DAPHNE, GRANIAN, UVICORN, command_of
from tests.benchmarks.serving.wire import Wire


def served(payload: bytes, opcode: int = framing.TEXT) -> bytes:
    """Return a frame as a server sends it."""
    size = len(payload)
    if size < 126:
        return bytes([0x80 | opcode, size]) + payload
    if size < 2**16:
        return bytes([0x80 | opcode, 126]) + size.to_bytes(2, "big") + payload
    return bytes([0x80 | opcode, 127]) + size.to_bytes(8, "big") + payload


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_a_frame_of_any_length_is_read_whole(size: int) -> None:
    data = served(b"x" * size) + served(b"next", framing.PING)
    assert framing.frames_in(data) == ([(1, b"x" * size), (9, b"next")], b"")


@pytest.mark.parametrize("size", [3, 126, 65_536])
def test_what_is_cut_off_is_left_for_the_next_time(size: int) -> None:
    whole, more = served(b"whole"), served(b"y" * size)
    for cut in range(min(len(more), 20)):
        assert framing.frames_in(whole + more[:cut]) == ([(1, b"whole")], more[:cut])


@pytest.mark.parametrize("size", [5, 125, 126, 1_000])
def test_a_client_masks_its_frames(size: int) -> None:
    data = framing.frame(framing.TEXT, b"z" * size)
    assert data[1] & 0x80
    assert data.endswith(bytes(4) + b"z" * size)


def test_a_handshake_names_where_it_comes_from() -> None:
    lines = framing.handshake("127.0.0.1:1", "/ws/", "sessionid=a").split(b"\r\n")
    assert lines[0] == b"GET /ws/ HTTP/1.1"
    assert b"Origin: http://127.0.0.1:1" in lines
    assert lines[-2:] == [b"", b""]


def test_a_stamp_is_found_and_replaced() -> None:
    first, second = stamps.stamped(1), stamps.stamped(2)
    html = f"<p>{first}</p>"
    assert stamps.find(html.encode()) == stamps.find(first.encode())
    assert second.join(stamps.around(html)) == f"<p>{second}</p>"
    assert stamps.find(b"<p>nothing</p>") is None
    both = stamps.find_all(f"<p>{first}</p><p>{second}</p>".encode())
    assert [stamp.number for stamp in both] == [1, 2]


def test_percentiles_are_values_that_occurred() -> None:
    values = list(range(1, 101))
    assert (percentile(values, 50), percentile(values, 99), percentile(values, 100)) == (
        50,
        99,
        100,
    )
    assert percentile([7], 50) == 7
    assert math.isnan(percentile([], 50))


def test_lost_are_those_that_were_sent_and_did_not_come() -> None:
    assert lost_of([1, 2, 3], [[1, 2, 3], [1, 3], []]) == 4
    assert lost_of([1], [[0, 1]]) == 0


def test_the_best_round_of_each_figure_counts_and_every_loss() -> None:
    found = best([Round(1.0, 9.0, 5.0, 1, 0.2), Round(2.0, 8.0, 4.0, 2, 0.1)])
    assert found == Round(1.0, 8.0, 4.0, 3, 0.2)


def test_percentiles_of_a_single_watcher_are_those_of_all_its_frames() -> None:
    usual = [1_000_000 * number for number in range(1, 100)]
    rounds = [
        Round(1.0, 9.0, 5.0, 1, 0.2, usual),
        Round(2.0, 8.0, 4.0, 2, 0.1, [100_000_000]),
        Round(9.0, 99.0, 9.0, 0, 0),
    ]
    assert pooled(rounds) == Round(50.0, 99.0, 5.0, 3, 0.2)


class Kept:
    """A reader that keeps what it is told."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[tuple[bytes, int]] = asyncio.Queue()
        self.ended = asyncio.Event()

    def take(self, data: bytes, arrived_at: int) -> None:
        self.told.put_nowait((data, arrived_at))

    def end(self, error: OSError | None) -> None:
        assert error is None
        self.ended.set()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux is asked for its time")
def test_data_has_the_time_of_its_arrival_however_late_it_is_read() -> None:
    async def is_known(kept: Kept, far: socket.socket) -> bool:
        sent_at = time.monotonic_ns()
        far.sendall(b"frame")
        arrived_before = time.monotonic_ns()
        while time.monotonic_ns() < arrived_before + 10 * (arrived_before - sent_at):
            pass  # whoever reads is busy
        data, arrived_at = await kept.told.get()
        assert data == b"frame"
        return sent_at < arrived_at < arrived_before

    async def main() -> None:
        kept, near = Kept(), socket.create_connection(place.getsockname())
        far, _ = place.accept()
        near.setblocking(False)
        wire = Wire(near, kept)
        # Linux begins to keep the times a little after it is first asked to.
        tries = 0
        while not await is_known(kept, far):
            tries += 1
            assert tries < 1_000
        far.close()
        await kept.ended.wait()
        wire.close()

    with socket.create_server(("127.0.0.1", 0)) as place:
        asyncio.run(main())


def test_statements_are_told_apart_by_what_they_are_for() -> None:
    assert kind_of('SELECT 1 FROM "django_session"') == "access"
    assert kind_of('SELECT 1 FROM "auth_user"') == "access"
    assert kind_of('SELECT 1 FROM "liveops_logline"') == "queries"
    assert kind_of('SELECT 1 FROM "liveops_logline"', is_tending=True) == "tending"


@pytest.mark.parametrize("server", [DAPHNE, UVICORN, GRANIAN])
def test_every_server_is_told_its_port(server: str) -> None:
    assert "4711" in " ".join(command_of(server, 4711))

"""From `p.status()` in a thread of the server to a socket client, without anything but Daphne."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.conftest import Site, serve
from tests.acceptance.databases import TESTS, migrated
from tests.acceptance.watcher import Watched, connected, follow, percentile, started

pytestmark = pytest.mark.timing

OURS = "liveops.layers.InMemoryChannelLayer"
SHIPPED = "channels.layers.InMemoryChannelLayer"


def settings(folder: Path, layer: str) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": TESTS,
        "LIVEOPS_TEST_DB": str(folder / "db.sqlite3"),
        "LIVEOPS_TEST_RUNNER": "thread",
        "LIVEOPS_TEST_HZ": "100",
        "LIVEOPS_TEST_LAYER": layer,
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("latency")
    migrated(path, TESTS, login=False)
    return path


@pytest.fixture(scope="module")
def embedded(folder: Path) -> Iterator[Site]:
    with serve(folder, "tests.asgi:application", "/up/", **settings(folder, OURS)) as site:
        yield site


@pytest.fixture(scope="module")
def seen(embedded: Site) -> Watched:
    """What a watcher sees of the stamps over our layer; beside it, bare round trips."""
    with started(embedded, "Stamps") as (socket, _), connected(embedded) as other:
        return follow(socket, echo=other)


def test_a_status_arrives_within_a_few_times_the_socket_s_own_round_trip(seen: Watched) -> None:
    """The goal is 20 ms at the 99th percentile, where a bare round trip takes 1 to 3 ms."""
    assert seen.state == "FINISHED_OK"
    assert len(seen.delays) >= 190, "every status was sent after a pause, so none is coalesced"
    ours, bare = percentile(seen.delays, 0.99), percentile(seen.echoes, 0.99)
    print(
        f"\nstatus to socket: p50 {percentile(seen.delays, 0.5):.2f} ms, p99 {ours:.2f} ms; "
        f"bare round trip: p50 {percentile(seen.echoes, 0.5):.2f} ms, p99 {bare:.2f} ms"
    )
    assert ours <= 8 * bare


def test_it_is_many_times_faster_than_over_the_layer_that_channels_ships(
    folder: Path, seen: Watched
) -> None:
    few = {**settings(folder, SHIPPED), "LIVEOPS_TEST_STAMPS": "60"}
    with (
        serve(folder, "tests.asgi:application", "/up/", **few) as site,
        started(site, "Stamps") as (socket, _),
    ):
        theirs = follow(socket)
    ratio = percentile(seen.delays, 0.5) / percentile(theirs.delays, 0.5)
    print(f"\nmedian over liveops.layers / over channels.layers: {ratio:.3f}")
    assert ratio <= 0.5


def test_a_burst_of_a_thousand_lines_loses_none(embedded: Site) -> None:
    with started(embedded, "Burst") as (socket, _):
        seen = follow(socket)
    assert seen.state == "FINISHED_OK"
    assert sorted(set(seen.lines)) == list(range(1, 1001))
    assert len(seen.lines) == 1000, "and none comes twice"
    live = [frame["seq"] for frame in seen.frames if not frame.get("snapshot")]
    assert live == list(range(live[0], live[0] + len(live))), "frames are numbered without a gap"

"""Redis goes away and comes back: runs do not notice, watchers miss nothing."""

import contextlib
import re
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from django.contrib.auth import get_user_model

from tests.acceptance.survival.outside import start
from tests.acceptance.survival.sockets import Socket
from tests.engines.fixtures import MakeEngines
from tests.engines.models import BlockPlan
from tests.engines.process import Process
from tests.engines.servers import Redis
from tests.engines.site import Engines, Layer
from tests.engines.waiting import until

OUT = "liveops: the channel layer cannot be reached"
BACK = "liveops: the channel layer is back"
LAYERS: list[Layer] = ["core", "pubsub"]


@pytest.fixture(params=LAYERS)
def site(engines: MakeEngines, request: pytest.FixtureRequest) -> Engines:
    """Return a site whose operations run in another process than its pages are served by."""
    return engines(layer=request.param, runner="tasks", tasks="db")


@pytest.fixture
def daphne(site: Engines) -> Process:
    """Return the server that serves its pages."""
    return site.start_daphne()


@pytest.fixture
def worker(site: Engines, daphne: Process) -> Process:
    """Return the worker that runs its operations."""
    return site.start_tasks_worker()


def stop(server: Redis) -> None:
    server.stop()


def kill(server: Redis) -> None:
    server.kill()


# channels_redis clears up behind each message in a task that it never looks at again: one that is
# under way when Redis goes is complained of by asyncio.
_NOT_OURS = re.compile(
    r"Task exception was never retrieved\n"
    r"future: <Task finished name='[^']*' coro=<RedisChannelLayer\._clean_receive_backup\(\)"
)
_RECORD = re.compile(r"^(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", re.M)


def complaints(process: Process) -> list[str]:
    """Return the lines of a log that tell of trouble, whoever wrote them but channels_redis."""
    words = ("Error", "Traceback", "cannot", "Exception", "lost", " is back")
    records = [text for text in _RECORD.split(process.log) if not _NOT_OURS.search(text)]
    lines = "".join(records).splitlines()
    return [line for line in lines if any(word in line for word in words)]


def told_once(*processes: Process) -> None:
    """Check that each process says once that the layer is away, once that it is back, no more."""
    for process in processes:
        until(lambda: BACK in process.log, what=lambda: process.log)  # noqa: B023
        assert len(complaints(process)) == 2, process.log


@pytest.mark.fault("redis-restarted")
@pytest.mark.parametrize(
    ("site", "away", "seconds"),
    [
        pytest.param("core", stop, 20, id="core-stopped-for-20-seconds"),
        pytest.param("core", kill, 0, id="core-killed"),
        pytest.param("pubsub", stop, 0, id="pubsub-stopped"),
        pytest.param("pubsub", kill, 0, id="pubsub-killed"),
    ],
    indirect=["site"],
)
def test_watchers_miss_no_line_of_a_run_that_redis_leaves(
    site: Engines,
    daphne: Process,
    worker: Process,
    away: Callable[[Redis], None],
    seconds: float,
) -> None:
    """Have Redis away for at least so many seconds, and as long as it takes to notice."""
    redis = site.redis
    assert redis is not None
    plan = {
        "Load": [["log", "before {}", 5], ["wait", "one"], ["log", "meanwhile {}", 200]],
        "Change": [
            ["status", "half-way"],
            ["log_until", "two", "more {}"],
            ["log", "that was all"],
        ],
        "Save": [["wait", "three"], ["log", "after {}", 5]],
    }
    created = start(daphne, "BlockPlan", **plan)
    pk = created["op"]
    with Socket(daphne, created) as socket:
        site.reached(pk, "one")
        socket.sees("before 5")
        away(redis)
        over = time.monotonic() + seconds
        site.let_go(pk, "one")
        site.reached(pk, "two")  # run() goes on
        socket.sees("meanwhile 200")  # and so does the page, by the database
        socket.sees("half-way")
        until(lambda: OUT in daphne.log and OUT in worker.log)
        until(lambda: time.monotonic() > over, seconds + 1, "the end of the outage")
        redis.start()  # empty: it knows of no group
        told_once(daphne, worker)
        site.let_go(pk, "two")
        socket.sees("that was all")
        site.let_go(pk, "three")
        socket.hears_of_the_end()
    with site.here():
        stored = [line.seq for line in BlockPlan.objects.get(pk=pk).log_lines.all()]
    assert socket.lines == stored == list(range(1, len(stored) + 1))
    assert socket.closed == ""
    told_once(daphne, worker)


@pytest.mark.fault("redis-away-at-open")
def test_a_page_that_is_opened_and_a_run_that_starts_while_redis_is_away(
    site: Engines, daphne: Process, worker: Process, redis: Redis
) -> None:
    redis.stop()
    plan = {"Load": [["log", "hello"], ["wait", "loading"]], "Save": [["log", "bye"]]}
    created = start(daphne, "BlockPlan", **plan)
    pk = created["op"]
    site.reached(pk, "loading")
    with Socket(daphne, created) as socket:
        socket.sees("hello")
        assert "hello" in _page(site, daphne, created["url"])
        redis.start()
        until(lambda: BACK in daphne.log)
        site.let_go(pk, "loading")
        socket.hears_of_the_end()
    assert socket.lines == [1, 2]
    told_once(daphne)


def _page(site: Engines, daphne: Process, url: str) -> str:
    """Return a page as somebody sees it who may see all of them."""
    with site.here():
        get_user_model().objects.create_superuser("ada")
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with opener.open(f"{daphne.url}/as/ada/?next={url}", timeout=60) as page:
        text: str = page.read().decode()
    return text


@pytest.mark.fault("redis-two-connections")
def test_a_process_sends_over_two_connections_at_most(
    site: Engines, daphne: Process, worker: Process, redis: Redis
) -> None:
    plan = {"Load": [["log_until", "on"], ["wait", "here"]]}
    started = [start(daphne, "BlockPlan", **plan) for _ in range(2)]
    first = started[0]["op"]
    with Socket(daphne, started[0]) as socket:
        site.reached(first, "on")
        until(lambda: len(socket.frames) > 20)
        assert 1 <= len(_connections(worker.pid, redis)) <= 2
    for each in started:
        site.let_go(each["op"], "on", "here")
    with site.here():
        until(lambda: all(op.finished_successfully for op in BlockPlan.objects.all()))


def _connections(pid: int, redis: Redis) -> list[Any]:
    with contextlib.suppress(psutil.NoSuchProcess):
        found = psutil.Process(pid).net_connections("tcp")
        return [each for each in found if each.raddr[1:] == (redis.port,)]
    return []

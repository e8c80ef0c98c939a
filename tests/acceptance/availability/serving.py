"""How a server does that somebody keeps busy, compared with how it did before."""

import statistics
import time
import urllib.request

import psutil

from tests.engines.process import Process

_TIMES = 15


def answers_in(daphne: Process) -> float:
    """Return the median time of a request that Django answers, in seconds."""
    return statistics.median(_once(daphne) for _ in range(_TIMES))


def _once(daphne: Process) -> float:
    began = time.perf_counter()
    with urllib.request.urlopen(f"{daphne.url}/up/", timeout=60) as response:
        assert response.status == 200
    return time.perf_counter() - began


def memory_of(daphne: Process) -> int:
    """Return the resident bytes of a server."""
    size: int = psutil.Process(daphne.pid).memory_info().rss
    return size

"""The settings of the served site; the layer and its address are told by environment variables.

At 20 updates a second none of the ten texts a second that are published is merged into another, so
that ours sends as many frames as the bare consumer is sent.
"""

import os

from tests.settings import *  # noqa: F403

ROOT_URLCONF = "tests.benchmarks.serving.urls"
# Bare needs both: each of its sockets has a channel of its own, and one of them goes deaf whenever
# redis-py stops waiting for an answer, which by itself it does after five quiet seconds.
_HOST = {
    "address": os.environ["BENCHMARK_REDIS"],
    "max_connections": 5000,
    "socket_timeout": 120,
}
CHANNEL_LAYERS = {
    "default": {"BACKEND": os.environ["BENCHMARK_LAYER"], "CONFIG": {"hosts": [_HOST]}}  # type: ignore[dict-item]
}
# All the sockets of a round are one user's.
LIVEOPS = {"RUNNER": "thread", "THROTTLE_HZ": 20.0, "MAX_SOCKETS_PER_USER": 0}

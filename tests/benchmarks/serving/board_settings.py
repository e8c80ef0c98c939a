"""The settings of the site whose pages are opened in a browser: its operations run in the server.

At 20 updates a second none of what an operation says ten times a second is merged into another.
"""

from tests.settings import *  # noqa: F403

ROOT_URLCONF = "tests.benchmarks.serving.board"
LIVEOPS = {"RUNNER": "thread", "RUNNER_THREADS": 32, "THROTTLE_HZ": 20.0}

"""At least 200 random kills: nothing is lost, nothing runs twice at once, all of it ends well."""

import os
import random

import pytest

from tests.engines import chaos, chaos_workers
from tests.engines.fixtures import MakeEngines

ROUNDS = int(os.environ.get("CHAOS_ROUNDS") or 200)
SEED = int(os.environ.get("CHAOS_SEED") or 0) or random.SystemRandom().randrange(1, 10**6)


@pytest.mark.fault("random-kills")
def test_random_kills_break_no_promise(
    engines: MakeEngines, capsys: pytest.CaptureFixture[str]
) -> None:
    """Kill and pause workers at random; `make chaos SEED=…` plays a seed again."""
    site = engines(database="postgres", layer="core", liveops=chaos.LIVEOPS)
    command = chaos_workers.COMMAND.format(chaos.WORKERS)
    workers = site.start("python", "-c", command, ready="ready", name="workers")
    with site.here():
        report = chaos.Chaos(site, workers, ROUNDS, SEED).play()
    with capsys.disabled():
        print(f"\n{report}")
    assert report.is_good, f"{report}\n{workers.log[-5000:]}"
    assert report.held >= report.rounds / 2
    assert report.kills + report.pauses >= report.rounds * 0.9

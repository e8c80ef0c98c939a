"""A pool of connections, which liveops must hand back as it found them."""

import pytest
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper

from tests.acceptance.survival.scenes import wait_for
from tests.engines.fixtures import MakeEngines
from tests.engines.models import StagedPlan


@pytest.mark.fault("postgres-pool")
def test_connections_of_a_pool_stay_as_they_were(engines: MakeEngines) -> None:
    """The pump's short wait for locks must not end up in anybody else's connection."""
    site = engines(database="postgres", runner="thread")
    site.settings["DATABASES"]["default"]["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 4}}
    with site.here():
        operation = StagedPlan.objects.create(
            plan={"Load": [["log", "inside {}", 3], ["atomic", [["log", "open"]], False]]}
        )
        operation.enqueue()
        wait_for(operation, "FINISHED_OK")
        connection = connections["default"]
        assert isinstance(connection, DatabaseWrapper)
        connection.close()
        pool = connection.pool
        assert pool is not None
        taken = [pool.getconn(timeout=30) for _ in range(4)]
        asked = [one.execute("SELECT current_setting('lock_timeout')") for one in taken]
        limits = [answer.fetchone() for answer in asked]
        for one in taken:
            pool.putconn(one)
        connection.close_pool()
    assert limits == [("0",)] * 4

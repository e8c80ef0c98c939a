"""What a round costs where there is nothing to do: few queries, each answered by an index."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from liveops import store
from liveops.reaping import Reaper
from liveops.states import State
from tests.integration.reaping import NOTING, started
from tests.testapp.models import Walk

pytestmark = pytest.mark.django_db(transaction=True)

INDEXES = ("liveops_state_", "liveops_state_resumes", "liveops_state_enqueued")
"""Those of the looks for silent runs, for what is to go on, and for what waits."""


def test_a_round_without_work_is_three_queries_by_index(settings: Any) -> None:
    settings.LIVEOPS = {"RUNNER": NOTING}
    Walk.objects.create()
    operation = started()
    assert store.finish(operation, store.Ending(State.FINISHED_OK))
    started()
    with CaptureQueriesContext(connection) as queries:
        assert not Reaper().round()
    found = [one["sql"] for one in queries if one["sql"].startswith("SELECT")]
    assert len(queries) == len(found) == 3
    with connection.cursor() as cursor:
        for sql, index in zip(found, INDEXES, strict=True):
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            plan = " ".join(str(row[-1]) for row in cursor.fetchall())
            assert index in plan, plan

"""The SQL of the documents partitions the log, and nothing else notices."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from liveops import snapshot
from liveops.models import LogLine
from liveops.progress.pumps import InlinePump
from liveops.runners.executor import execute
from tests.docs.pages import DOCS
from tests.engines.fixtures import MakeEngines
from tests.testapp.models import Scripted

PAGE = DOCS / "explanation" / "scaling.md"


@pytest.fixture(autouse=True)
def site(module_engines: MakeEngines) -> Iterator[None]:
    """Let this process work on a database of PostgreSQL."""
    with module_engines(database="postgres").here():
        yield


def ran(number: int) -> Any:
    """Return an operation that has logged so many lines."""

    def run(operation: Scripted, p: Any) -> None:
        for n in range(number):
            p.log(f"line {n}")

    Scripted.body = run
    operation = Scripted.objects.create()
    execute(operation, pump=InlinePump())
    return operation


def test_the_log_goes_on_in_parts() -> None:
    before = ran(30)
    (statements,) = re.findall(r"^```sql\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    with connection.cursor() as cursor:
        cursor.execute(statements)
    operations = [before, *(ran(20) for _ in range(10))]
    shown = [snapshot.take(operation).lines for operation in operations]
    assert [len(lines) for lines in shown] == [30, *[20] * 10]
    assert LogLine.objects.values("id").distinct().count() == 230, "ids go on where they were"

    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tableoid::regclass::text FROM liveops_logline")
        assert len(cursor.fetchall()) > 1
    plan = LogLine.objects.filter(operation=before, seq__gt=5).explain()
    assert len(set(re.findall(r"liveops_logline_\d+_operation_id_seq_key", plan))) <= 1
    assert len(set(re.findall(r"liveops_logline_\d+\b(?!_)", plan))) == 1, "one part is read"

    again = LogLine(operation=before, seq=1, time=before.created_on, level="info", text="twice")
    with pytest.raises(IntegrityError), transaction.atomic():
        again.save()
    before.delete()
    assert LogLine.objects.count() == 200

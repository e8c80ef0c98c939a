"""What the documents show for PostgreSQL: a partitioned log, a setting of a table, a lock."""

import re
import shlex
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from liveops import snapshot
from liveops.exceptions import OperationError
from liveops.models import LogLine
from liveops.progress.pumps import InlinePump
from liveops.runners.executor import execute
from tests.docs.pages import block
from tests.engines.fixtures import MakeEngines
from tests.testapp.models import Scripted

PAGE = "explanation/scaling.md"


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
    statements = block(PAGE, "sql BEGIN;")
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


def test_rows_of_progress_leave_room_on_their_pages() -> None:
    program, option, statement = shlex.split(block(PAGE, "console $ psql -c").removeprefix("$ "))
    assert (program, option) == ("psql", "-c")
    with connection.cursor() as cursor:
        cursor.execute(statement)
        cursor.execute("SELECT reloptions FROM pg_class WHERE relname = 'liveops_liveprogress'")
        (options,) = cursor.fetchone()
    assert "fillfactor=50" in options


def test_only_one_begins_where_it_takes_a_lock() -> None:
    names: dict[str, Any] = {}
    exec(block("how-to/cron.md", "python from django.db import connection"), names)  # noqa: S102  (the page's own code)
    other = connection.copy()
    with closing(other), other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(7)")
        with pytest.raises(OperationError, match="still running"):
            names["begin_alone"](7)
    names["begin_alone"](8)


def test_a_connection_has_the_options_of_the_page() -> None:
    names: dict[str, Any] = {}
    exec(block("how-to/postgresql.md", "python # mysite/settings.py"), names)  # noqa: S102  (the page's own code)
    shown = names["DATABASES"]["default"]
    assert shown["ENGINE"] == connection.settings_dict["ENGINE"]
    other = connection.copy()
    other.settings_dict = {**other.settings_dict, "OPTIONS": shown["OPTIONS"]}
    with closing(other), other.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("1min",)

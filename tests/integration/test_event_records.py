"""Log records of events: one each, with names and fields that stay."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from liveops.progress import Progress
from liveops.scripts import RetryStage
from tests.integration.helpers import run_scripted

pytestmark = pytest.mark.django_db(transaction=True)

FIELDS = {
    "liveops_event",
    "liveops_operation",
    "liveops_type",
    "liveops_run",
    "liveops_stage",
    "liveops_attempt",
    "liveops_state",
    "liveops_outcome",
    "liveops_reason",
    "liveops_seconds",
}


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    """Return what is written to the logger of events."""
    found: list[logging.LogRecord] = []

    class Collecting(logging.Handler):
        """Keeps what it is given."""

        def emit(self, record: logging.LogRecord) -> None:
            """Keep a record."""
            found.append(record)

    handler = Collecting()
    logger = logging.getLogger("liveops.events")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield found
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def retrying(_: Any, p: Progress) -> None:
    """Need two attempts at one stage."""
    for attempt in p.attempts("Save", retry_attempts=1):
        with attempt:
            if attempt.number == 1:
                raise RetryStage("again")


def said(record: logging.LogRecord) -> dict[str, Any]:
    """Return the fields of a record that say something."""
    own = {name: value for name, value in vars(record).items() if name.startswith("liveops_")}
    assert set(own) == FIELDS
    return {name: value for name, value in own.items() if value is not None}


def test_each_event_is_one_record(records: list[logging.LogRecord]) -> None:
    operation, _ = run_scripted(retrying)
    assert [record.getMessage() for record in records] == [
        "operation.claimed",
        "stage.started",
        "attempt.started",
        "attempt.finished",
        "attempt.started",
        "attempt.finished",
        "stage.finished",
        "operation.finished",
        "operation.released",
    ]
    assert {record.levelno for record in records} == {logging.INFO}
    fields = [said(record) for record in records]
    for record, own in zip(records, fields, strict=True):
        assert own["liveops_event"] == record.getMessage()
        assert own["liveops_operation"] == str(operation.pk)
        assert own["liveops_type"] == "testapp.Scripted"
        assert own["liveops_run"] == str(operation.run_id)
        assert json.loads(json.dumps(own)) == own
    retried, left, ended = fields[3], fields[6], fields[7]
    assert (retried["liveops_stage"], retried["liveops_attempt"]) == ("Save", 1)
    assert (retried["liveops_outcome"], left["liveops_outcome"]) == ("failed", "done")
    assert ended["liveops_state"] == "FINISHED_OK"
    assert 0 < left["liveops_seconds"] < ended["liveops_seconds"]


def test_nothing_is_written_unless_somebody_listens(caplog: pytest.LogCaptureFixture) -> None:
    run_scripted(retrying)
    assert [one for one in caplog.records if one.name == "liveops.events"] == []


def test_records_do_not_get_into_an_operation_s_own_log(
    records: list[logging.LogRecord],
) -> None:
    def body(operation: Any, p: Progress) -> None:
        with p.capture_logging():
            retrying(operation, p)

    operation, _ = run_scripted(body)
    assert len(records) == 9
    texts = operation.log_lines.values_list("text", flat=True)
    assert not any("attempt.started" in text for text in texts)

"""Stored lines next to a number: in one query, and all of them where numbers are missing."""

from collections.abc import Sequence

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from liveops.progress.view import Line
from liveops.store.log_reading import StoredLog
from tests.integration.log_lines import line, store_lines
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db


def stored(*numbers: int) -> StoredLog:
    """Return a log that has lines of these numbers, beside another operation's."""
    for one in (Scripted.objects.create(), operation := Scripted.objects.create()):
        store_lines(one, map(line, numbers))
    return StoredLog(operation)


def seqs(lines: Sequence[Line]) -> list[int]:
    """Return the numbers of lines."""
    return [found.seq for found in lines]


@pytest.mark.parametrize(
    ("number", "after", "before"),
    [
        (-5, [1, 2, 3], []),
        (0, [1, 2, 3], []),
        (1, [2, 3, 4], []),
        (4, [5, 6, 7], [1, 2, 3]),
        (8, [9], [5, 6, 7]),
        (9, [], [6, 7, 8]),
        (10, [], [7, 8, 9]),
        (99, [], [7, 8, 9]),
        (10**30, [], [7, 8, 9]),
    ],
)
def test_lines_next_to_a_number(number: int, after: list[int], before: list[int]) -> None:
    log = stored(*range(1, 10))
    assert seqs(log.after(number, 3)) == after
    assert seqs(log.before(number, 3)) == before


def test_lines_beyond_missing_numbers_are_found() -> None:
    log = stored(1, 2, 50, 51, 900)
    assert seqs(log.after(1, 3)) == [2, 50, 51]
    assert seqs(log.after(2, 9)) == [50, 51, 900]
    assert seqs(log.before(900, 3)) == [2, 50, 51]
    assert seqs(log.before(50, 9)) == [1, 2]


def test_a_whole_page_is_one_query_between_two_numbers() -> None:
    log = stored(*range(1, 10))
    with CaptureQueriesContext(connection) as queries:
        log.after(3, 4)
        log.before(7, 4)
    assert len(queries) == 2
    for query in queries:
        where = query["sql"].partition("WHERE")[2]
        assert (where.count(">"), where.count("<")) == (1, 1), where


def test_the_ends_of_a_log() -> None:
    log, empty = stored(4, 5, 9), stored()
    assert (log.first(), log.last(), seqs(log.tail(2))) == (4, 9, [5, 9])
    assert (empty.first(), empty.last(), empty.tail(2)) == (None, None, [])
    assert (empty.after(0, 5), empty.before(5, 5)) == ([], [])

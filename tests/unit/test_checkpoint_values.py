"""What a stage may return, for its checkpoint to be stored as JSON."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest

from liveops.exceptions import InvalidResultError
from liveops.results import storable_checkpoint


@pytest.mark.parametrize(
    ("value", "as_stored"),
    [
        (None, None),
        (3, 3),
        ("text", "text"),
        ((1, (2, 3)), [1, [2, 3]]),
        ({1: "one", "two": [True, None]}, {"1": "one", "two": [True, None]}),
        (dt.date(2026, 11, 22), "2026-11-22"),
        (Decimal("1.50"), "1.50"),
        (uuid.UUID(int=7), str(uuid.UUID(int=7))),
    ],
    ids=str,
)
def test_a_value_is_stored_as_json_has_it(value: Any, as_stored: Any) -> None:
    assert storable_checkpoint("Load", value) == as_stored


LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (object(), "result is of type object"),
        ({1, 2}, "result is of type set"),
        ({"rows": [1, {"open": open}]}, r"result\['rows'\]\[1\]\['open'\] is of type builtin"),
        ([1, b"raw"], r"result\[1\] is of type bytes"),
        ([float("nan")], r"result\[0\] is nan, which JSON does not have"),
        ("a\x00b", "result holds a NUL character"),
        ({"a": "\ud800"}, r"result\['a'\] holds a character that is not valid Unicode"),
        ({(1, 2): 3}, r"result has the key \(1, 2\), which is not a string"),
        (LOOP, r"result\[0\] contains itself"),
    ],
    ids=["object", "set", "nested", "bytes", "nan", "nul", "surrogate", "key", "loop"],
)
def test_what_json_cannot_take_is_refused_with_stage_and_place(value: Any, place: str) -> None:
    with pytest.raises(InvalidResultError, match=f"the stage 'Load' returned .*: {place}"):
        storable_checkpoint("Load", value)

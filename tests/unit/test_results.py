"""What `p.result()` may be given, and how it says where something cannot be stored."""

import datetime as dt
import json
import math
import re
import uuid
from collections import OrderedDict, UserDict
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st

from liveops.exceptions import InvalidResultError
from liveops.results import storable
from tests.unit.helpers import plain_text

numbers = st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
leaves = st.none() | st.booleans() | numbers | plain_text
json_values: st.SearchStrategy[Any] = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain_text, inner, max_size=4),
    max_leaves=8,
)
django_leaves = (
    leaves
    | st.dates()
    | st.datetimes(timezones=st.none() | st.just(dt.UTC))
    | st.times()
    | st.timedeltas(dt.timedelta(-1000), dt.timedelta(1000))
    | st.decimals()
    | st.uuids()
)
django_values: st.SearchStrategy[Any] = st.recursive(
    django_leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain_text, inner, max_size=3),
    max_leaves=6,
)
paths = st.lists(plain_text | st.integers(0, 3), min_size=1, max_size=30)
refused = st.sampled_from(
    [
        (object(), "is of type object"),
        ({1, 2}, "is of type set"),
        (b"bytes", "is of type bytes"),
        (math.nan, "is nan, which JSON does not have"),
        (-math.inf, "is -inf, which JSON does not have"),
        ("a\x00b", "holds a NUL character"),
        ("a\ud800b", "holds a character that is not valid Unicode"),
        ({(1, 2): 3}, "has the key (1, 2), which is not a string"),
        ({"a\x00b": 3}, "has the key 'a\\x00b', which holds a NUL character"),
        ({"a\ud800b": 3}, "has the key 'a\\ud800b', which holds a character that is not valid"),
        ({math.nan: 3}, "has the key nan, which JSON does not have"),
    ]
)


@given(st.dictionaries(plain_text, json_values, max_size=3))
def test_what_json_knows_comes_back_as_it_was(context: dict[str, Any]) -> None:
    assert storable(context, {}) == context


@given(st.dictionaries(plain_text, django_values, max_size=3))
def test_everything_else_comes_back_as_the_database_will_give_it(context: dict[str, Any]) -> None:
    stored = storable(context, {})
    assert stored == json.loads(json.dumps(context, cls=DjangoJSONEncoder))
    assert storable(stored, {}) == stored
    json.dumps(stored, allow_nan=False, ensure_ascii=False).encode("utf-8")


@given(paths, refused)
def test_an_error_names_the_place_of_what_cannot_be_stored(
    path: list[str | int], case: tuple[Any, str]
) -> None:
    value, reason = case
    for step in reversed(path):
        value = {step: value, "z": 1} if isinstance(step, str) else [*range(step), value]
    context = {"top": value, "fine": [1, {"a": None}]}
    place = "result['top']" + "".join(f"[{step!r}]" for step in path)
    with pytest.raises(InvalidResultError, match=re.escape(f"{place} {reason}")):
        storable(context, {})


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (dt.date(2026, 5, 4), "2026-05-04"),
        (dt.datetime(2026, 5, 4, 3, 2, 1, tzinfo=dt.UTC), "2026-05-04T03:02:01Z"),
        (dt.timedelta(hours=1), "P0DT01H00M00S"),
        (Decimal("1.50"), "1.50"),
        (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (gettext_lazy("Cancel"), "Cancel"),
        ((1, 2), [1, 2]),
        (OrderedDict(a=1), {"a": 1}),
        ({1: "one", None: 2}, {"1": "one", "null": 2}),
        ("\\u0000", "\\u0000"),
        ("\\\\u0000 \\", "\\\\u0000 \\"),
        ("<script>☃\u2028", "<script>☃\u2028"),
    ],
)
def test_how_values_are_stored(value: Any, stored: Any) -> None:
    assert storable({"value": value}, {}) == {"value": stored}


def test_no_context_is_an_empty_result() -> None:
    assert storable(None, {}) == {}
    assert storable({}, {}) == {}


def test_extra_entries_win() -> None:
    assert storable({"a": 1, "b": 2}, {"b": 3, "c": 4}) == {"a": 1, "b": 3, "c": 4}


@pytest.mark.parametrize("mapping", [MappingProxyType({"a": 1}), UserDict(a=1)])
def test_any_mapping_will_do(mapping: Any) -> None:
    assert storable(mapping, {}) == {"a": 1}


@pytest.mark.parametrize("context", [[("a", 1)], "text", 7, {"a"}])
def test_anything_but_a_mapping_is_refused_with_the_way_round(context: Any) -> None:
    with pytest.raises(InvalidResultError, match=r"takes a dict .* write result\(value=…\)"):
        storable(context, {})


def test_the_result_does_not_follow_later_changes() -> None:
    context = {"rows": [1]}
    stored = storable(context, {})
    context["rows"].append(2)
    assert stored == {"rows": [1]}


def test_a_value_that_contains_itself_is_named() -> None:
    loop: dict[str, Any] = {"a": 1}
    loop["self"] = [loop]
    with pytest.raises(
        InvalidResultError, match=r"result\['loop'\]\['self'\]\[0\] contains itself"
    ):
        storable({"loop": loop}, {})


def test_a_value_that_is_nested_too_deeply_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidResultError, match="nested too deeply"):
        storable({"deep": deep}, {})


def test_a_value_that_stands_in_two_places_is_fine() -> None:
    shared = {"a": [1]}
    assert storable({"x": shared, "y": [shared]}, {}) == {"x": shared, "y": [shared]}

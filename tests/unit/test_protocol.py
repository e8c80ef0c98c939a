"""What a page may say on its socket: everything else gets a sentence, nothing an exception."""

import json
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveops import access
from liveops.protocol import (
    MAX_FRAME,
    MAX_LINE,
    MAX_QUERY,
    BadFrameError,
    Request,
    ViewRequest,
    parse,
)
from tests.unit.helpers import hostile_text

PK = "6f1c1d2e-1111-4222-8333-444455556666"

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | hostile_text | st.just(PK),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(hostile_text, inner, max_size=3),
    max_leaves=6,
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("op", "token", "log_after", "list", "language", "mark"), json_values),
        "badge": st.just(True) | json_values,
    },
)
frames = st.dictionaries(
    st.sampled_from(["subscribe", "unsubscribe", "other"]), bodies | json_values, max_size=2
)


def subscribe(**body: Any) -> str:
    return json.dumps({"subscribe": {"op": PK, **body}})


@given(hostile_text | json_values.map(json.dumps) | frames.map(json.dumps))
def test_whatever_a_page_sends_is_a_request_or_has_a_sentence(text: str) -> None:
    sentence = ""
    try:
        request = parse(text)
    except BadFrameError as error:
        sentence = str(error)
    if sentence:
        assert sentence.endswith(".")
        return
    assert request.action in ("subscribe", "unsubscribe")
    if isinstance(request, ViewRequest):
        assert request.view in ("list", "badge")
        assert len(request.query) <= MAX_QUERY
        details = (request.query, request.language, request.zone, request.mark)
        assert all(isinstance(detail, str) for detail in details)
        return
    assert str(uuid.UUID(request.op)) == request.op
    assert isinstance(request.token, str)
    assert request.log_after is None or type(request.log_after) is int


@given(st.uuids(), hostile_text, st.none() | st.integers(0, MAX_LINE))
def test_a_subscription_comes_through_as_it_was_sent(
    pk: uuid.UUID, token: str, log_after: int | None
) -> None:
    body = {"op": str(pk), "token": token, "log_after": log_after}
    assert parse(json.dumps({"subscribe": body})) == Request("subscribe", str(pk), token, log_after)


def test_token_and_log_after_may_be_left_out() -> None:
    assert parse(subscribe()) == Request("subscribe", PK, "", None)
    assert parse(json.dumps({"unsubscribe": {"op": PK}})) == Request("unsubscribe", PK, "", None)


@pytest.mark.parametrize("form", [PK.upper(), PK.replace("-", ""), f"{{{PK}}}", f"urn:uuid:{PK}"])
def test_an_operation_has_one_name_however_it_is_written(form: str) -> None:
    assert parse(json.dumps({"unsubscribe": {"op": form}})) == Request("unsubscribe", PK)


@pytest.mark.promise("socket-frames")
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "Only text frames"),
        ("", "not JSON"),
        ("{", "not JSON"),
        ("subscribe", "not JSON"),
        ("[" * 4_000, "not JSON"),
        (subscribe(token="x" * MAX_FRAME), "too long"),
        ("null", "is an object"),
        ("[]", "is an object"),
        ("7", "is an object"),
        ("NaN", "not JSON"),
        ('{"subscribe": {"op": "' + PK + '", "log_after": -Infinity}}', "not JSON"),
        ("☃" * (MAX_FRAME // 3 + 1), "too long"),
        ("{}", "is an object"),
        ('{"subscribe": null}', "is an object"),
        ('{"subscribe": "x"}', "is an object"),
        (f'{{"listen": {{"op": "{PK}"}}}}', "is an object"),
        (f'{{"subscribe": {{"op": "{PK}"}}, "unsubscribe": {{"op": "{PK}"}}}}', "is an object"),
        ('{"subscribe": {}}', "must be the id"),
        ('{"subscribe": {"op": null}}', "must be the id"),
        ('{"subscribe": {"op": 7}}', "must be the id"),
        ('{"subscribe": {"op": "7"}}', "must be the id"),
        ('{"subscribe": {"op": ["' + PK + '"]}}', "must be the id"),
        (subscribe(token=None), "must be a string"),
        (subscribe(token=7), "must be a string"),
        (subscribe(token=["x"]), "must be a string"),
        (subscribe(log_after="7"), "must be a whole number"),
        (subscribe(log_after=7.5), "must be a whole number"),
        (subscribe(log_after=True), "must be a whole number"),
        (subscribe(log_after=[]), "must be a whole number"),
        (subscribe(log_after=-1), "the number of a line"),
        (subscribe(log_after=2**63), "the number of a line"),
        (subscribe(log_after=10**4_000), "the number of a line"),
        (f'{{"subscribe": {{"op": "{PK}", "op": "{PK}"}}}}', "everything once"),
        (f'{{"subscribe": {{"op": "{PK}"}}, "subscribe": {{"op": "{PK}"}}}}', "everything once"),
        (f'{{"subscribe": {{"op": "{PK}", "x": {{"a": 1, "a": 1}}}}}}', "everything once"),
        (f'{{"subscribe": {{"op": "{PK}", "log_after": 1e400}}}}', "must be a whole number"),
        (subscribe(list=""), "is about one of"),
        (subscribe(badge=True), "is about one of"),
        ('{"subscribe": {"list": "", "badge": true}}', "is about one of"),
        ('{"subscribe": {"list": null}}', "must be a query"),
        ('{"subscribe": {"list": ["x"]}}', "must be a query"),
        ('{"subscribe": {"list": "' + "x" * (MAX_QUERY + 1) + '"}}', "must be a query"),
        ('{"subscribe": {"badge": 1}}', "must be true"),
        ('{"unsubscribe": {"badge": false}}', "must be true"),
        ('{"subscribe": {"badge": true, "mark": null}}', "must be strings"),
        ('{"subscribe": {"list": "", "language": 7}}', "must be strings"),
        ('{"subscribe": {"list": "", "zone": ["UTC"]}}', "must be strings"),
    ],
)
def test_each_bad_frame_is_told_what_is_wrong(text: str | None, sentence: str) -> None:
    with pytest.raises(BadFrameError, match=sentence):
        parse(text)


def test_a_frame_of_exactly_the_longest_length_is_read() -> None:
    longest = subscribe(token="x" * (MAX_FRAME - len(subscribe(token=""))))
    assert len(longest) == MAX_FRAME
    assert isinstance(parse(longest), Request)
    with pytest.raises(BadFrameError, match="too long"):
        parse(longest + " ")


def test_a_view_comes_through_as_it_was_asked_for() -> None:
    details = {"language": "de", "zone": "Europe/Berlin", "mark": "m"}
    query = "q=" + "x" * (MAX_QUERY - 2)
    whole = parse(json.dumps({"subscribe": {"list": query, **details}}))
    assert whole == ViewRequest("subscribe", "list", query, "de", "Europe/Berlin", "m")
    assert parse('{"subscribe": {"badge": true}}') == ViewRequest("subscribe", "badge")
    assert parse('{"unsubscribe": {"list": ""}}') == ViewRequest("unsubscribe", "list")
    assert parse('{"unsubscribe": {"badge": true}}') == ViewRequest("unsubscribe", "badge")


def test_a_number_too_long_for_python_is_no_json() -> None:
    with pytest.raises(BadFrameError):
        parse(f'{{"subscribe": {{"op": "{PK}", "log_after": {"9" * 4_400}}}}}')


@given(hostile_text, hostile_text)
def test_no_token_that_a_page_makes_up_is_good(token: str, more: str) -> None:
    pk = uuid.UUID(PK)
    assert not access.token_allows(token, pk)
    assert not access.token_allows(f"{PK}:{token}:{more}", pk)
    assert not access.token_allows(access.make_token(pk) + (more or "x"), pk)
    assert access.token_allows(access.make_token(pk), pk)

"""What became of stages: when an operation may go on, and how a refusal names the difference."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveops.stages import changes_since

BEFORE = ["Load", "Check", "Save"]
NAMES = st.lists(st.sampled_from("abcdefgh"), unique=True)


@pytest.mark.parametrize(
    ("now", "done", "found"),
    [
        (["Load", "Check", "Save"], ["Load", "Check"], []),
        (["Load", "Check", "Save", "Tell"], ["Load", "Check"], []),
        (["Load", "Check", "Tell", "Save"], ["Load", "Check"], []),
        (["Load", "Test", "Save"], ["Load"], ["'Check' is gone", "'Test' is new"]),
        (["Load", "Save"], ["Load"], ["'Check' is gone"]),
        (["Tell", "Load", "Check", "Save"], ["Load"], ["'Tell' is new"]),
        (["Load", "Tell", "Check", "Save"], ["Load", "Check"], ["'Tell' is new"]),
        (["Load", "Tell", "Check", "Save"], ["Load"], []),
        (["Tell", "Load", "Check", "Save"], [], []),
        (["Load", "Save", "Check"], [], ["the order was 'Load', 'Check', 'Save'"]),
        (["Save", "Load"], [], ["'Check' is gone", "the order was 'Load', 'Save'"]),
    ],
)
def test_each_difference_is_named(now: list[str], done: list[str], found: list[str]) -> None:
    assert changes_since(BEFORE, now, done) == found


@pytest.mark.parametrize(
    ("done", "found"), [([], []), (["Load"], []), (["Load", "Row"], ["'Row' is gone"])]
)
def test_where_the_stages_of_then_are_not_known_only_done_ones_count(
    done: list[str], found: list[str]
) -> None:
    assert changes_since(None, BEFORE, done) == found


@given(NAMES, st.data())
def test_the_same_stages_are_no_change(names: list[str], data: Any) -> None:
    done = data.draw(st.lists(st.sampled_from(names), unique=True)) if names else []
    assert changes_since(names, names, done) == []


@given(NAMES, NAMES, st.data())
def test_it_may_go_on_exactly_if_new_stages_after_the_last_done_one_are_all_there_is(
    before: list[str], now: list[str], data: Any
) -> None:
    done = data.draw(st.lists(st.sampled_from(before), unique=True)) if before else []
    kept = [name for name in now if name in before]
    last_done = max((now.index(name) for name in done if name in now), default=-1)
    is_fine = kept == before and all(name in before for name in now[: last_done + 1])
    found = changes_since(before, now, done)
    assert (found == []) is is_fine
    for name in set(before) - set(now):
        assert f"{name!r} is gone" in found


@given(NAMES, NAMES, st.data())
def test_more_done_stages_never_make_less_of_a_change(
    before: list[str], now: list[str], data: Any
) -> None:
    done = data.draw(st.lists(st.sampled_from(before), unique=True)) if before else []
    fewer = changes_since(before, now, done[:-1])
    assert set(fewer) <= set(changes_since(before, now, done))

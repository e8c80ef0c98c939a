"""Stage names, and how a block that ends decides the stage's state."""

import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from liveops.exceptions import (
    FenceLost,
    LiveOperationsError,
    OperationCancelled,
    OperationError,
    OperationInterrupted,
    StopSignal,
)
from liveops.stages import StageState, identifier, name_problems, outcome_of
from liveops.stages.names import MAX_NAME_LENGTH
from tests.unit.helpers import hostile_text

words = st.lists(st.from_regex(r"[A-Za-z0-9]{1,8}", fullmatch=True), min_size=1, max_size=4)
separators = st.text(" -_./&!?ä☃", min_size=1, max_size=3)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("Load", "load"),
        ("Save to DB", "save_to_db"),
        ("Save -- to  DB!", "save_to_db"),
        ("  build/test  ", "build_test"),
        ("2nd try", "2nd_try"),
        ("__init__", "init"),
        ("Prüfen", "pr_fen"),
        ("…", ""),
        ("", ""),
    ],
)
def test_the_identifier_form(name: str, form: str) -> None:
    assert identifier(name) == form


@given(hostile_text)
def test_an_identifier_fits_into_a_method_name_and_is_its_own_identifier(name: str) -> None:
    form = identifier(name)
    assert re.fullmatch(r"(?:[a-z0-9]+(?:_[a-z0-9]+)*)?", form)
    assert f"_begin_stage_{form}".isidentifier()
    assert identifier(form) == form


@given(words, separators, separators)
def test_the_identifier_keeps_words_and_forgets_case_and_separators(
    parts: list[str], one: str, other: str
) -> None:
    assert identifier(one.join(parts)) == "_".join(parts).lower()
    assert identifier(other.join(parts).swapcase()) == identifier(one.join(parts))


@pytest.mark.parametrize("stages", [[], ["Load"], ("Load", "Save"), ["Laden", "日本", "中国"]])
def test_good_names_have_no_problems(stages: Any) -> None:
    assert name_problems(stages) == []


@pytest.mark.parametrize(
    ("stages", "sentence"),
    [
        ("Load", r"flat list of names, not str"),
        (None, r"flat list of names, not NoneType"),
        (7, r"flat list of names, not int"),
        ({"Load", "Save"}, r"flat list of names, not set"),
        ((name for name in ["Load"]), r"flat list of names, not generator"),
        (["Load", ["Save"]], r"must be flat: \['Save'\] is not a string"),
        ([("Load", "Heading")], r"must be flat: .* is not a string"),
        ([""], r"empty name"),
        (["Load", "  \t"], r"empty name"),
        (["Load", "Load"], r"'Load' and 'Load' have the same identifier form 'load'"),
        (["Save to DB", "save-to-db"], r"'Save to DB' and 'save-to-db' .* 'save_to_db'"),
        (["日本", "日本"], r"'日本' is listed twice"),
        (["x" * (MAX_NAME_LENGTH + 1)], rf"has 101 characters; {MAX_NAME_LENGTH} is the limit"),
        (["Lo\x1bad"], r"'Lo\\x1bad' holds a control character"),
        (["Lo\x00ad"], r"'Lo\\x00ad' holds a control character"),
        (["Lo\ud800ad"], r"'Lo\\ud800ad' holds a control character"),
    ],
)
def test_each_problem_is_one_sentence(stages: Any, sentence: str) -> None:
    (problem,) = name_problems(stages)
    assert re.search(sentence, problem), problem
    assert problem.endswith(".")


def test_all_problems_are_told_at_once() -> None:
    problems = name_problems(["Load", 3, "load", "", "y" * 300])
    assert len(problems) == 4


@given(words, separators, separators)
def test_two_names_of_one_form_are_always_found(parts: list[str], one: str, other: str) -> None:
    first, second = one.join(parts), other.join(parts).upper()
    assume(max(len(first), len(second)) <= MAX_NAME_LENGTH)
    assert len(name_problems([first, "something else entirely", second])) == 1


@given(st.lists(hostile_text, max_size=6))
def test_names_without_problems_are_storable_and_distinct(stages: list[str]) -> None:
    if name_problems(stages):
        return
    assert len(set(stages)) == len(stages)
    forms = [form for form in map(identifier, stages) if form]
    assert len(set(forms)) == len(forms)
    for name in stages:
        assert 0 < len(name) <= MAX_NAME_LENGTH
        assert "\x00" not in name
        name.encode("utf-8")


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (None, StageState.DONE),
        (OperationCancelled(), StageState.CANCELLED),
        (KeyboardInterrupt(), StageState.INTERRUPTED),
        (SystemExit(0), StageState.INTERRUPTED),
        (OperationInterrupted(), StageState.INTERRUPTED),
        (FenceLost(), StageState.INTERRUPTED),
        (ValueError(), StageState.FAILED),
        (OperationError("no rows"), StageState.FAILED),
        (GeneratorExit(), StageState.FAILED),
        (BaseException(), StageState.FAILED),
    ],
)
def test_the_outcome_follows_from_what_left_the_block(
    error: BaseException | None, state: StageState
) -> None:
    assert outcome_of(error) is state


def test_the_stored_words_are_the_contract() -> None:
    assert [str(state) for state in StageState] == [
        "active",
        "done",
        "failed",
        "cancelled",
        "skipped",
        "retrying",
        "interrupted",
    ]


@pytest.mark.parametrize("signal", [OperationCancelled, OperationInterrupted, FenceLost])
def test_user_code_cannot_swallow_a_stop_signal_by_accident(signal: type[StopSignal]) -> None:
    assert issubclass(signal, StopSignal)
    assert not issubclass(signal, Exception)
    assert not issubclass(signal, LiveOperationsError)
    assert issubclass(OperationError, LiveOperationsError)

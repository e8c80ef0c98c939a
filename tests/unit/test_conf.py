"""The `LIVEOPS` setting: every key has a default, and every mistake a sentence."""

import math
from dataclasses import asdict, fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveops import conf
from liveops.exceptions import ConfigurationError
from liveops.runners.eager import EagerRunner
from liveops.runners.thread import ThreadRunner

DEFAULTS = asdict(conf.Settings())
SWITCHES = [key for key, value in DEFAULTS.items() if isinstance(value, bool)]
NUMBERS = [
    key for key, value in DEFAULTS.items() if isinstance(value, int | float) and key not in SWITCHES
]
WHOLE = [key for key in NUMBERS if isinstance(DEFAULTS[key], int)]

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
keys = st.sampled_from(sorted(DEFAULTS)) | st.text() | st.integers() | st.none()


def test_the_contract_has_its_keys_and_defaults() -> None:
    assert {"BASE_TEMPLATE", "RUNNER", "THROTTLE_HZ", "REQUIRED_GROUP"} <= set(DEFAULTS)
    assert DEFAULTS["RUNNER"] == "thread"
    assert DEFAULTS["REQUIRED_GROUP"] is None
    assert conf.problems(DEFAULTS) == []
    assert conf.problems({}) == []


def test_every_key_is_documented() -> None:
    documented = conf.Settings.__doc__ or ""
    assert [f.name for f in fields(conf.Settings) if f"{f.name}: " not in documented] == []


@given(st.dictionaries(keys, junk, max_size=4) | junk)
def test_whatever_is_given_is_either_a_problem_or_usable(given: Any) -> None:
    problems = conf.problems(given)
    assert all(problem.startswith("LIVEOPS") and len(problem) > 20 for problem in problems)
    if not problems:
        values = conf.Settings(**given)
        assert values.THROTTLE_HZ > 0
        assert values.LOG_LINES >= 1
        assert math.isfinite(values.SHUTDOWN_GRACE)
        assert values.SHUTDOWN_GRACE >= 0
        assert isinstance(values.BASE_TEMPLATE, str)


@pytest.mark.parametrize("given", [None, [], "thread", 7, [("RUNNER", "eager")]])
def test_the_setting_must_be_a_dict(given: Any) -> None:
    (problem,) = conf.problems(given)
    assert "must be a dict" in problem


def test_a_misspelt_key_is_met_with_the_right_one() -> None:
    (problem,) = conf.problems({"THROTTLE_HERTZ": 5})
    assert "unknown key 'THROTTLE_HERTZ'" in problem
    assert "Did you mean 'THROTTLE_HZ'?" in problem


def test_an_odd_key_is_met_with_all_that_are_known() -> None:
    (problem,) = conf.problems({"zzz": 5})
    assert all(key in problem for key in DEFAULTS)


def test_all_problems_are_told_at_once() -> None:
    assert len(conf.problems({"zzz": 5, "RUNNER": "", "LOG_LINES": 0})) == 3


@pytest.mark.parametrize("key", NUMBERS)
@pytest.mark.parametrize(
    "value", ["5", None, True, math.nan, math.inf, -math.inf, 10**400, [1], -1, -0.5]
)
def test_a_number_must_be_one(key: str, value: Any) -> None:
    (problem,) = conf.problems({key: value})
    assert problem.startswith(f"LIVEOPS[{key!r}] must be ")
    assert "number" in problem or "greater than 0" in problem or "0 or more" in problem


@pytest.mark.parametrize("key", NUMBERS)
def test_zero_is_allowed_only_where_it_means_something(key: str) -> None:
    off_at_zero = {"MAX_RUNNING_PER_USER", "MAX_SOCKETS_PER_USER", "REAP_SECONDS", "SHUTDOWN_GRACE"}
    assert (conf.problems({key: 0}) == []) == (key in off_at_zero)


@pytest.mark.parametrize("key", ["REDACT", "REDIRECT_HOSTS"])
@pytest.mark.parametrize("value", ["text", None, 5, [""], [5], {"a"}])
def test_a_list_of_texts_is_nothing_else(key: str, value: Any) -> None:
    (problem,) = conf.problems({key: value})
    assert f"LIVEOPS[{key!r}] must be a list of non-empty strings" in problem


def test_what_is_masked_is_told_by_expressions_that_match_something() -> None:
    assert conf.problems({"REDACT": ["password=([^ ]+)", "sk_[a-z]+"]}) == []
    first, second = conf.problems({"REDACT": ["(", "x*"]})
    assert "is no regular expression" in first
    assert "matches where there is nothing to mask" in second


@pytest.mark.parametrize("host", ["www.example.com", ".example.com", "localhost", "[::1]"])
def test_another_site_is_told_by_its_host(host: str) -> None:
    assert conf.problems({"REDIRECT_HOSTS": [host]}) == []


@pytest.mark.parametrize(
    "text",
    ["https://example.com", "example.com/", "example.com:80", "*", "*.example.com", "ex ample"],
)
def test_and_by_nothing_else(text: str) -> None:
    (problem,) = conf.problems({"REDIRECT_HOSTS": [text]})
    assert repr(text) in problem


def test_a_negative_grace_is_told_what_is_allowed() -> None:
    assert conf.problems({"SHUTDOWN_GRACE": -1}) == [
        "LIVEOPS['SHUTDOWN_GRACE'] must be 0 or more, not -1."
    ]


@pytest.mark.parametrize("value", [5e-324, 1e-320, 1e-7])
def test_a_rate_that_nothing_can_be_divided_by_is_refused(value: float) -> None:
    assert conf.problems({"THROTTLE_HZ": value}) == [
        f"LIVEOPS['THROTTLE_HZ'] must be at least 0.000001, not {value!r}."
    ]
    assert conf.problems({"THROTTLE_HZ": 1e-6}) == []


@pytest.mark.parametrize("key", WHOLE)
def test_a_count_must_be_whole(key: str) -> None:
    (problem,) = conf.problems({key: 2.5})
    assert "must be a whole number" in problem
    assert conf.problems({key: 2}) == []


@pytest.mark.parametrize("key", [key for key in NUMBERS if key not in WHOLE])
@pytest.mark.parametrize("value", [1, 0.25, 1000])
def test_a_measure_may_be_any_number(key: str, value: Any) -> None:
    wide = {"HEARTBEAT_SECONDS": 0.01, "STALE_SECONDS": 5000}
    assert conf.problems({**wide, key: value}) == []


@pytest.mark.parametrize("key", NUMBERS)
def test_no_number_is_too_large_for_a_database_to_reckon_with(key: str) -> None:
    (problem,) = conf.problems({key: 10**12})
    assert problem.startswith(f"LIVEOPS[{key!r}] must be at most 1,000,000,000")


@pytest.mark.parametrize("stale", [5.0, 9.9])
def test_one_late_heartbeat_must_not_make_a_run_stale(stale: float) -> None:
    (problem,) = conf.problems({"HEARTBEAT_SECONDS": 5.0, "STALE_SECONDS": stale})
    assert "at least twice HEARTBEAT_SECONDS" in problem
    assert conf.problems({"HEARTBEAT_SECONDS": 5.0, "STALE_SECONDS": 10.0}) == []


@pytest.mark.parametrize("key", SWITCHES)
@pytest.mark.parametrize("value", [0, 1, "yes", None])
def test_a_switch_is_on_or_off(key: str, value: Any) -> None:
    (problem,) = conf.problems({key: value})
    assert problem == f"LIVEOPS[{key!r}] must be True or False, not {value!r}."
    assert conf.problems({key: True}) == conf.problems({key: False}) == []


@pytest.mark.parametrize("key", ["BASE_TEMPLATE", "RUNNER"])
@pytest.mark.parametrize("value", ["", None, 3, ThreadRunner])
def test_a_name_must_be_a_string(key: str, value: Any) -> None:
    (problem,) = conf.problems({key: value})
    assert "must be a non-empty string" in problem


@pytest.mark.parametrize(
    ("value", "good"), [(None, True), ("staff", True), ("", False), (3, False)]
)
def test_the_group_is_a_name_or_none(value: Any, good: bool) -> None:
    assert (conf.problems({"REQUIRED_GROUP": value}) == []) is good


def test_settings_are_read_again_when_they_change(settings: Any) -> None:
    settings.LIVEOPS = {"THROTTLE_HZ": 4}
    assert conf.get_settings().THROTTLE_HZ == 4
    assert conf.get_settings() is conf.get_settings()
    settings.LIVEOPS = {"THROTTLE_HZ": 8}
    assert conf.get_settings().THROTTLE_HZ == 8


def test_without_the_setting_all_is_as_by_default(settings: Any) -> None:
    del settings.LIVEOPS
    assert asdict(conf.get_settings()) == DEFAULTS


def test_bad_settings_raise_with_every_problem(settings: Any) -> None:
    settings.LIVEOPS = {"RUNER": "eager", "LOG_LINES": -1}
    with pytest.raises(ConfigurationError, match=r"Did you mean 'RUNNER'.*LOG_LINES"):
        conf.get_settings()


@pytest.mark.parametrize(
    ("name", "runner"),
    [
        ("eager", EagerRunner),
        ("thread", ThreadRunner),
        ("threading", ThreadRunner),
        ("liveops.runners.eager.EagerRunner", EagerRunner),
    ],
)
def test_a_runner_is_found_by_name_or_path(settings: Any, name: str, runner: type) -> None:
    settings.LIVEOPS = {"RUNNER": name}
    assert conf.load_runner() is runner


@pytest.mark.parametrize(
    "path", ["thred", "liveops.runners.none.Runner", "liveops.runners.Missing"]
)
def test_a_runner_that_cannot_be_imported_is_met_with_the_names(settings: Any, path: str) -> None:
    settings.LIVEOPS = {"RUNNER": path}
    with pytest.raises(ConfigurationError, match=r"'eager', 'thread'.*dotted path") as caught:
        conf.load_runner()
    assert path in str(caught.value)

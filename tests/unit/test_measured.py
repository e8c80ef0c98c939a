"""Figures: their ratio, whether a goal is missed, files, and what has become worse."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.benchmarks.__main__ import main
from tests.benchmarks.measured import Measured, from_json, table, to_json, worse

TIME = Measured("calls", "a call", 30.0, "ns", "bare", 20.0, 2.0)
COUNT = Measured("stages", "a stage", 3, "queries", "limit", 3, 1.0, is_count=True)


def test_a_ratio_is_of_what_it_is_compared_with() -> None:
    assert (TIME.ratio, COUNT.ratio) == (1.5, 1.0)


def test_a_goal_is_missed_only_beyond_it() -> None:
    assert not TIME.is_missed
    assert not replace(TIME, value=40.0).is_missed, "just reached"
    assert replace(TIME, value=40.1).is_missed
    assert not replace(TIME, value=1e9, goal=None).is_missed


def test_figures_come_back_from_a_file() -> None:
    rows = to_json([TIME, COUNT])
    assert rows[0]["ratio"] == 1.5
    assert from_json(rows) == [TIME, COUNT]


def test_the_same_figure_is_known_by_group_name_and_what_it_is_compared_with() -> None:
    assert replace(TIME, value=1.0, goal=None).key == TIME.key
    assert replace(TIME, against="limit").key != TIME.key


def test_a_time_is_worse_only_by_more_than_a_fifth() -> None:
    assert worse([replace(TIME, value=35.9)], [TIME]) == []
    (told,) = worse([replace(TIME, value=36.5)], [TIME])
    assert told == "calls: a call costs 1.82 × bare, it was 1.50 ×"


def test_a_count_is_worse_by_one() -> None:
    assert worse([COUNT], [COUNT]) == []
    assert len(worse([replace(COUNT, value=4)], [COUNT])) == 1
    assert worse([replace(COUNT, value=2)], [COUNT]) == []


def test_a_busier_machine_makes_nothing_worse() -> None:
    assert worse([replace(TIME, value=90.0, base=60.0)], [TIME]) == []


def test_a_figure_that_was_not_there_before_is_not_worse() -> None:
    assert worse([TIME], []) == []
    assert worse([], [TIME]) == []


def test_the_table_names_goals_and_says_what_is_missed() -> None:
    head, first, second = table([TIME, replace(COUNT, value=4)]).splitlines()
    assert "before" not in head
    assert first.split()[-2:] == ["1.50", "2.00"]
    assert second.endswith("missed")


def test_the_table_has_the_ratios_of_before() -> None:
    head, first, second = table([replace(TIME, value=20.0), COUNT], [TIME]).splitlines()
    assert head.endswith("before")
    assert first.split()[-1] == "1.50"
    assert second.split()[-1] == "-"


def test_ratios_to_compare_with_that_are_not_there_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["calls", "--base", str(tmp_path / "old.json")])
    assert refused.value.code == 2
    assert "there is no file" in capsys.readouterr().err

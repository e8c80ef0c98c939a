"""Figures: their ratio, whether a goal is missed, files, and what has become worse."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.benchmarks import __main__ as benchmarks
from tests.benchmarks.__main__ import main
from tests.benchmarks.measured import (
    RUNS_KEPT,
    Measured,
    better,
    from_json,
    keep,
    table,
    to_json,
    worse,
)

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
    assert worse([replace(TIME, value=35.9)], [TIME]) == {}
    (told,) = worse([replace(TIME, value=36.5)], [TIME]).values()
    assert told == "calls: a call costs 1.82 × bare, it was 1.50 ×"


def test_a_count_is_worse_by_one() -> None:
    assert worse([COUNT], [COUNT]) == {}
    assert len(worse([replace(COUNT, value=4)], [COUNT])) == 1
    assert worse([replace(COUNT, value=2)], [COUNT]) == {}


def test_a_busier_machine_makes_nothing_worse() -> None:
    assert worse([replace(TIME, value=90.0, base=60.0)], [TIME]) == {}


def test_a_time_is_worse_than_the_slowest_run_that_was_kept() -> None:
    kept = replace(TIME, kept=(1.5, 3.0, 1.4), goal=3.0)
    assert worse([replace(TIME, value=71.0)], [kept]) == {}
    (told,) = worse([replace(TIME, value=73.0)], [kept]).values()
    assert told.endswith("it was 3.00 ×")


def test_a_run_that_missed_the_goal_excuses_nothing() -> None:
    kept = replace(TIME, kept=(1.5, 9.0, 1.4))
    (told,) = worse([replace(TIME, value=37.0)], [kept]).values()
    assert told.endswith("it was 1.50 ×")


def test_a_count_is_worse_than_the_latest_whatever_was_kept() -> None:
    assert worse([replace(COUNT, value=4)], [replace(COUNT, kept=(2.0, 1.0))])


def test_the_ratios_of_the_latest_runs_are_kept() -> None:
    known: list[Measured] = []
    free = replace(TIME, goal=None)
    for value in range(RUNS_KEPT + 2):
        known = keep([replace(free, value=value * 20.0)], known)
    (figure,) = from_json(to_json(known))
    assert figure.kept == (2.0, 3.0, 4.0, 5.0, 6.0)
    assert figure.highest == 6.0


def test_a_second_look_only_makes_better() -> None:
    slow, fast = replace(TIME, value=50.0), replace(TIME, value=25.0)
    assert better([slow, COUNT], [fast]) == [fast, COUNT]
    assert better([fast, COUNT], [slow]) == [fast, COUNT]


def test_what_seems_slower_is_measured_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    base = tmp_path / "old.json"
    base.write_text(json.dumps(to_json([TIME, COUNT])))
    monkeypatch.chdir(tmp_path)
    slow, fast = replace(TIME, value=50.0), replace(TIME, value=25.0)
    for looks, status in (([slow, fast], 0), ([slow, slow], 1), ([fast], 0)):
        left = [[look] for look in looks]
        monkeypatch.setattr(benchmarks, "_measure", lambda group, left=left: left.pop(0))
        assert main(["calls", "--base", str(base)]) == status
        assert left == [], "each was asked for"
    assert capsys.readouterr().out.count("calls seems slower") == 2


def test_a_figure_that_was_not_there_before_is_not_worse() -> None:
    assert worse([TIME], []) == {}
    assert worse([], [TIME]) == {}


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

"""The options of ``run_liveop`` that are about stages: which run, and how often."""

import io
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from liveops.models import LiveOperation
from liveops.stages import RetryLimits
from tests.integration.command_stages import EXCURSION, LAUNCH, Excursion, Launch, forget, typed
from tests.testapp.models import Scripted, Walk

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Forget what other tests did."""
    yield
    forget()


def run(*arguments: str, status: int = 0, **options: Any) -> str:
    """Run the command as Python code does; return what it printed."""
    printed, code = io.StringIO(), 0
    try:
        call_command("run_liveop", *arguments, stdout=printed, **options)
    except SystemExit as leaving:
        code = int(str(leaving.code))
    assert code == status, printed.getvalue()
    return printed.getvalue()


def again(printed: str) -> list[str]:
    """Return the words after ``run_liveop`` of the line that runs it again."""
    line = printed.partition("Run it again:\n")[2].splitlines()[0]
    return shlex.split(line.partition(" run_liveop ")[2])


def refused(*arguments: str) -> str:
    """Return why no operation was even created."""
    with pytest.raises(CommandError) as refusal:
        run(*arguments)
    assert not LiveOperation.objects.exists()
    return str(refusal.value)


@pytest.mark.parametrize(
    ("asked", "bodies"),
    [
        (["Build"], ["Build"]),
        (["build"], ["Build"]),
        (["Save to DB"], ["Save to DB"]),
        (["save_to_db"], ["Save to DB"]),
        (["SAVE-TO-DB", "Build"], ["Build", "Save to DB"]),
        (["Set", "Set"], ["Set"]),
        (["保存 7"], ["保存 7"]),
    ],
    ids=["name", "form", "name with spaces", "form of it", "order", "twice", "no form"],
)
def test_only_the_stages_that_are_asked_for_run(asked: list[str], bodies: list[str]) -> None:
    printed = run(LAUNCH, "--stage", *asked)
    assert Launch.bodies == bodies
    operation = Launch.objects.get()
    states = {name: "done" if name in bodies else "skipped" for name in Launch.stages}
    assert operation.stage_states == states
    assert operation.get_state() == "FINISHED_OK"
    assert again(printed) == [LAUNCH, "--stage", *asked]


def test_without_the_option_all_run() -> None:
    printed = run(LAUNCH)
    assert Launch.bodies == Launch.stages
    assert Launch.objects.get().stages_to_run is None
    assert again(printed) == [LAUNCH]


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("Bulid", "There is no stage 'Bulid'. Did you mean 'Build'?"),
        ("bulid", "Did you mean 'Build'?"),
        ("save_to_bd", "Did you mean 'Save to DB'?"),
        ("Save to D", "There is no stage 'Save to D'. Did you mean 'Save to DB'?"),
        ("", "There is no stage ''. Stages: Build, Save to DB, Set, 保存 7."),
        ("nothing like it", "Stages: Build, Save to DB, Set, 保存 7."),
    ],
    ids=["swapped", "small letters", "form swapped", "one too few", "empty", "far away"],
)
def test_an_unknown_stage_is_refused_with_what_was_meant(asked: str, answer: str) -> None:
    reason = refused(LAUNCH, "--stage", "Build", asked)
    assert reason.startswith("--stage: There is no stage ")
    assert answer in reason
    assert Launch.bodies == []


def test_a_block_that_cannot_be_left_out_is_refused_before_anything_runs() -> None:
    reason = refused(EXCURSION, "--stage", "Walk")
    assert reason.startswith("--stage: The stage 'Pack' cannot be skipped: ")
    assert "@LiveOperation.stage" in reason
    assert Excursion.bodies == []
    assert "'Load' cannot be skipped" in refused("testapp.Walk", "--stage", "Save")
    assert not Walk.objects.exists()


def test_python_code_passes_names_as_a_list_and_a_dry_run_as_true() -> None:
    printed = run(LAUNCH, stage=["build", "Set"], dry_run=True)
    assert Launch.bodies == ["Build", "Set"]
    operation = Launch.objects.get()
    assert operation.stages_to_run == ["build", "Set"]
    assert not operation.command_runs.exists()
    assert [line.text for line in operation.log_lines.all() if "echo built" in line.text]
    assert "none: this was a dry run" in printed
    assert again(printed) == [LAUNCH, "--stage", "build", "Set", "--dry-run"]


def test_a_command_is_recorded_unless_it_is_a_dry_run() -> None:
    printed = run(LAUNCH, "--stage", "Build")
    command = Launch.objects.get().command_runs.get()
    assert (command.stage, command.command, command.exit_status) == ("Build", "echo built", 0)
    assert re.search(r"^    echo built  \((< 0\.1|\d\.\d) s\)$", printed, re.MULTILINE)


def test_the_last_lines_of_a_command_that_failed_are_lines() -> None:
    Scripted.body = lambda op, p: p.run("echo one; echo two; exit 3")
    lines = run("testapp.Scripted", status=1).splitlines()
    end = lines.index(
        "Failed: `echo one; echo two; exit 3` ended with exit status 3. Its last lines:"
    )
    assert [line.strip() for line in lines[end + 1 : end + 3]] == ["one", "two"]
    assert "␊" not in "".join(lines)


def test_the_option_without_a_stage_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([LAUNCH, "--stage"], ["--stage", "--dry-run", LAUNCH]):
        status, told = typed(capsys, *arguments)
        assert status == 2
        assert "argument --stage: expected at least one argument" in told
    assert not LiveOperation.objects.exists()


def test_an_empty_list_of_stages_is_refused() -> None:
    with pytest.raises(CommandError, match="at least one stage"):
        run(LAUNCH, stage=[])
    assert not Launch.objects.exists()


def test_stages_may_be_given_one_by_one() -> None:
    run(LAUNCH, "--stage", "Build", "--stage", "save_to_db")
    assert Launch.bodies == ["Build", "Save to DB"]


def test_a_class_behind_stages_is_no_stage() -> None:
    run("--stage", "Build", LAUNCH)
    assert Launch.bodies == ["Build"]


def test_options_may_stand_before_the_class() -> None:
    printed = run(
        "--stage", "Build", "save_to_db", "--save-to-db-retry-attempts", "2", "--dry-run", LAUNCH
    )
    assert Launch.bodies == ["Build", "Save to DB"]
    assert Launch.limits["save_to_db"].attempts == 2
    words = [LAUNCH, "--stage", "Build", "save_to_db", "--dry-run"]
    assert again(printed) == [*words, "--save-to-db-retry-attempts", "2"]


def test_the_limits_of_a_stage_are_those_that_it_was_declared_with() -> None:
    run(LAUNCH)
    assert Launch.limits["save_to_db"] == RetryLimits(1, 0.0, 90)
    assert Launch.limits["set"] == RetryLimits(0, 1.5, None)


def test_each_limit_can_be_given_on_the_command_line() -> None:
    Launch.failures = 3
    given = [
        *("--save-to-db-retry-attempts", "3"),
        *("--save-to-db-retry-delay", "0.05"),
        *("--save-to-db-retry-timeout", "50"),
    ]
    printed = run(LAUNCH, *given)
    assert Launch.limits["save_to_db"] == RetryLimits(3, 0.05, 50)
    assert Launch.limits["build"] == RetryLimits()
    assert Launch.bodies.count("Save to DB") == 4
    assert again(printed) == [LAUNCH, *given]


def test_a_limit_of_zero_overrides_a_declared_one() -> None:
    Launch.failures = 1
    printed = run(LAUNCH, "--save-to-db-retry-attempts=0", status=1)
    assert Launch.bodies == ["Build", "Save to DB"]
    assert again(printed) == [LAUNCH, "--save-to-db-retry-attempts", "0"]


def test_a_loop_of_attempts_has_the_same_options() -> None:
    run(EXCURSION, "--walk-retry-attempts", "4", status=1)
    assert Excursion.bodies == ["Pack", *["Walk"] * 5]


@pytest.mark.parametrize("value", ["1000000", "1234567", "0.1234567", "12345678.5"])
def test_no_digit_of_a_limit_is_lost_when_it_is_run_again(value: str) -> None:
    option = "--set-retry-timeout" if "." in value else "--set-retry-attempts"
    printed = run(LAUNCH, option, value)
    limits = Launch.limits["set"]
    run(*again(printed))
    assert Launch.limits["set"] == limits


@pytest.mark.parametrize(
    ("option", "value", "answer"),
    [
        ("attempts", "-1", "write a whole number from 0 on, not '-1'"),
        ("attempts", "1.5", "write a whole number from 0 on, not '1.5'"),
        ("attempts", "many", "write a whole number from 0 on, not 'many'"),
        ("attempts", "", "write a whole number from 0 on, not ''"),
        ("delay", "-0.5", "write seconds from 0 on, not '-0.5'"),
        ("delay", "nan", "write seconds from 0 on, not 'nan'"),
        ("timeout", "inf", "write seconds from 0 on, not 'inf'"),
        ("timeout", "1 min", "write seconds from 0 on, not '1 min'"),
    ],
)
def test_a_bad_limit_is_refused(
    capsys: pytest.CaptureFixture[str], option: str, value: str, answer: str
) -> None:
    name = f"--save-to-db-retry-{option}"
    status, told = typed(capsys, LAUNCH, f"{name}={value}")
    assert status == 2
    assert f"argument {name}: {answer}" in told
    assert "Traceback" not in told
    assert not LiveOperation.objects.exists()


@pytest.mark.parametrize(
    "option", ["--nope-retry-attempts", "--walk-retry-delay", "--保存-retry-attempts"]
)
def test_a_limit_of_no_stage_is_refused(capsys: pytest.CaptureFixture[str], option: str) -> None:
    status, told = typed(capsys, LAUNCH, option, "1")
    assert (status, LiveOperation.objects.exists()) == (2, False)
    assert f"unrecognized arguments: {option}" in told


def test_a_stage_named_as_an_option_disturbs_neither() -> None:
    printed = run(LAUNCH, "--set", "note=a b", "--set-retry-delay", "3", "--stage", "set")
    assert Launch.objects.get().note == "a b"
    assert Launch.limits["set"].delay == 3
    words = [LAUNCH, "--set", "note=a b", "--stage", "set", "--set-retry-delay", "3"]
    assert again(printed) == words

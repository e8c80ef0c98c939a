"""``liveops_resume``: an operation goes on in the terminal, or is handed over."""

import io
import shlex
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from liveops.models import LiveOperation
from liveops.states import RESUMABLE_STATES, State
from tests.integration.reaping import NOTING, Homing, Noting, fresh_runner, started, state_of
from tests.integration.resuming import PHASES, Voyage, bodies, break_off, carry_out, stored
from tests.testapp.models import Walk

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def acts() -> Iterator[dict[str, Any]]:
    """Return what each stage is to do; nothing at first."""
    PHASES.clear()
    Voyage.acts = Homing.acts = {}
    with fresh_runner():
        yield Voyage.acts
    Voyage.acts = Homing.acts = {}


def resume(*arguments: str, status: int = 0) -> list[str]:
    """Run the command and return what it printed."""
    printed = io.StringIO()
    code: Any = 0
    try:
        call_command("liveops_resume", *arguments, stdout=printed)
    except SystemExit as leaving:
        code = leaving.code
    assert code == status, printed.getvalue()
    return printed.getvalue().splitlines()


def refused(*arguments: str) -> str:
    with pytest.raises(CommandError) as refusal:
        resume(*arguments)
    assert refusal.value.returncode == 1
    return str(refusal.value)


@pytest.mark.parametrize("state", RESUMABLE_STATES)
def test_it_goes_on_here_and_says_how_it_went(state: State) -> None:
    operation = break_off(state)
    told = resume(str(operation.pk))
    assert bodies() == ["Sail", "Unpack"]
    assert [line for line in told if line.startswith("===")] == [
        "=== [2/3] Sail ===",
        "=== [3/3] Unpack ===",
    ]
    assert f"─── Summary of {operation._meta.label} ───" in told
    assert not any("liveops_resume" in line for line in told), "there is nothing left to resume"
    assert state_of(operation) == "FINISHED_OK"
    assert [row.action for row in operation.control_records.all()] == ["resume"]


def test_one_that_fails_again_exits_with_1_and_says_how_to_resume_it(acts: dict[str, Any]) -> None:
    operation = break_off()
    acts["Unpack"] = ZeroDivisionError()
    told = resume(str(operation.pk), status=1)
    (line,) = [line for line in told if "liveops_resume" in line]
    assert shlex.split(line)[-2:] == ["liveops_resume", str(operation.pk)]
    assert told[told.index(line) - 1] == "Resume it:"


@pytest.mark.parametrize("more", [(), ("--enqueue",), ("--restart",)])
def test_one_that_runs_is_refused_with_what_helps_if_its_process_is_gone(more: Any) -> None:
    operation = started(Voyage)
    told = refused(str(operation.pk), *more)
    assert "can be " in told
    assert "`python manage.py liveops_reap` makes it INTERRUPTED." in told
    assert state_of(operation) == "STARTED"


def succeeded() -> Any:
    """Return an operation that has ended well."""
    return carry_out(Voyage.objects.create())[0]


@pytest.mark.parametrize("state", [State.FINISHED_OK, State.FINISHED_ERROR])
def test_it_begins_anew_if_asked_to(state: State) -> None:
    operation = break_off() if state is not State.FINISHED_OK else succeeded()
    PHASES.clear()
    told = resume("--restart", str(operation.pk))
    assert bodies() == ["Pack", "Sail", "Unpack"]
    assert "=== [1/3] Pack ===" in told
    assert [row.action for row in operation.control_records.all()] == ["restart"]


def test_several_are_only_handed_over(settings: Any) -> None:
    first, second = break_off(), break_off()
    assert "with --enqueue" in refused(str(first.pk), str(second.pk))
    settings.LIVEOPS = {"RUNNER": NOTING}
    walk = Walk.objects.create()
    problem = refused("--enqueue", str(first.pk), str(walk.pk), str(second.pk))
    assert problem.startswith(f"{walk.pk}: ")
    assert Noting.given == [first.pk, second.pk]
    resume("--enqueue", "--restart", str(succeeded().pk))


def test_it_is_not_resumed_by_itself_afterwards(acts: dict[str, Any]) -> None:
    operation = break_off(State.INTERRUPTED, model=Homing)
    acts["Sail"] = KeyboardInterrupt()
    Homing.acts = acts
    resume(str(operation.pk), status=130)
    after = stored(operation)
    assert (after.get_state(), after.resumes_left) == ("INTERRUPTED", 0)


def test_handed_to_a_runner_it_runs_there(settings: Any) -> None:
    settings.LIVEOPS = {"RUNNER": NOTING}
    operation = break_off()
    assert resume(str(operation.pk), "--enqueue") == [
        f"Operation {operation.pk} was handed to the runner: NOT_STARTED."
    ]
    assert Noting.given == [operation.pk]
    assert bodies() == []


@pytest.mark.parametrize(("act", "state", "status"), [(None, "FINISHED_OK", 0), (1, "ERROR", 1)])
def test_the_eager_runner_carries_it_out_at_once(
    act: Any, state: str, status: int, acts: dict[str, Any]
) -> None:
    operation = break_off()
    acts["Sail"] = act and ZeroDivisionError()
    (told,) = resume(str(operation.pk), "--enqueue", status=status)
    assert told.endswith(f"{state}.")


@pytest.mark.parametrize("name", ["thread", "threading"])
def test_the_thread_runner_would_end_with_this_process(name: str, settings: Any) -> None:
    settings.LIVEOPS = {"RUNNER": name}
    operation = break_off()
    assert "this one ends" in refused(str(operation.pk), "--enqueue")
    assert state_of(operation) == "FINISHED_ERROR"
    resume(str(operation.pk))
    assert state_of(operation) == "FINISHED_OK"


@pytest.mark.parametrize(
    "write",
    [
        str,
        lambda pk: pk.hex,
        lambda pk: str(pk).upper(),
        lambda pk: str(pk)[:8],
        lambda pk: str(pk)[:13],
        lambda pk: pk.hex[:17],
    ],
    ids=["whole", "digits", "upper case", "8", "with a hyphen", "17 digits"],
)
def test_the_beginning_of_an_id_is_enough(write: Any) -> None:
    operation = break_off()
    break_off()
    resume(write(operation.pk))
    assert state_of(operation) == "FINISHED_OK"


def test_what_several_begin_with_is_answered_with_them() -> None:
    pks = [UUID(f"12345678-0000-4000-8000-00000000000{n}") for n in range(7)]
    for pk in pks:
        Walk.objects.create(id=pk)
    Walk.objects.create(id=UUID("12345679-0000-4000-8000-000000000000"))
    told = refused("12345678").splitlines()
    assert "several operations" in told[0]
    assert told[1] == f"  {pks[0]}  testapp.Walk  NOT_STARTED"
    assert told[5:] == [f"  {pks[4]}  testapp.Walk  NOT_STARTED", "  …"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("00000000-0000-4000-8000-000000000000", "There is no operation"),
        ("abcdef01", "There is no operation"),
        ("abcdef0", "at least the first 8"),
        ("", "is not the id"),
        ("not-an-id", "is not the id"),
        ("0" * 33, "is not the id"),
    ],
)
def test_what_names_no_operation_is_refused(text: str, problem: str) -> None:
    assert problem in refused(text)


@pytest.mark.parametrize("options", [[], ["--enqueue"]], ids=["here", "enqueued"])
@pytest.mark.parametrize("what", ["waits", "runs", "succeeded", "has no methods", "changed"])
def test_what_cannot_go_on_is_refused_and_stays(what: str, options: list[str]) -> None:
    operation: Any
    if what == "runs":
        operation = started()
    elif what == "has no methods":
        operation = Walk.objects.create()
    else:
        operation = break_off() if what == "changed" else Voyage.objects.create()
    if what == "succeeded":
        carry_out(operation)
    if what == "changed":
        LiveOperation.objects.update(declared_stages=["Pack", "Row", "Unpack"])
    before = state_of(operation)
    PHASES.clear()
    sentences = {"has no methods": "not made of stage methods", "changed": "'Row' is gone"}
    default = "failed, was cancelled or interrupted"
    assert sentences.get(what, default) in refused(str(operation.pk), *options)
    assert (state_of(operation), PHASES) == (before, [])


def test_one_whose_class_is_gone_is_refused() -> None:
    operation = break_off()
    LiveOperation.objects.update(operation_type="gone.Away")
    assert "'gone.Away', which this project does not have" in refused(str(operation.pk))


def test_stages_to_run_that_are_gone_are_refused() -> None:
    operation = break_off()
    LiveOperation.objects.update(stages_to_run=["Row"])
    assert "Row" in refused(str(operation.pk))
    assert state_of(operation) == "FINISHED_ERROR"

"""Naming secrets: what is refused, what is left alone, and the environment, which needs no name."""

from typing import Any

import pytest
from django.apps import apps

from liveops.progress import Progress
from liveops.progress.pumps import threaded_pump
from tests.integration.commands import PUMPS, MakePump, perform
from tests.integration.helpers import run_scripted
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db(transaction=True)

VALUE = "hunter22"
SITE_VALUE = "swordfish"
ENV = {"SHOP_KEY": VALUE}


def lines(operation: Any) -> list[str]:
    """Return the stored log."""
    return list(operation.log_lines.values_list("text", flat=True))


@pytest.mark.parametrize("pump", PUMPS)
def test_from_then_on_a_named_value_is_masked_everywhere_in_this_run(pump: MakePump) -> None:
    def body(op: Scripted, p: Progress) -> None:
        p.log(f"before {VALUE}")
        p._run.flush()
        result = p.run(["echo", VALUE], secrets=[VALUE])
        assert (result.command, result.output) == ("echo ***", "***")
        p.run(["echo", VALUE])
        p.log(f"after {VALUE}")

    operation, _ = run_scripted(body, pump=pump())
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert lines(operation) == [
        f"before {VALUE}",
        "$ echo ***",
        "***",
        "$ echo ***",
        "***",
        "after ***",
    ]
    other, _ = run_scripted(lambda op, p: p.log(VALUE), pump=pump())
    assert lines(other) == [VALUE]


def test_a_command_in_a_dry_run_is_masked_too() -> None:
    def body(op: Scripted, p: Progress) -> None:
        assert p.run(["echo", VALUE], secrets=[VALUE]).command == "echo ***"

    operation, _ = run_scripted(body, dry_run=True)
    assert lines(operation) == ["Dry run: echo ***"]


@pytest.mark.parametrize(
    ("secrets", "error"),
    [(VALUE, TypeError), ([1], TypeError), ([""], ValueError), (["abc"], ValueError)],
    ids=["text", "number", "empty", "short"],
)
def test_bad_secrets_are_refused_before_anything_is_said(
    secrets: Any, error: type[Exception]
) -> None:
    def body(op: Scripted, p: Progress) -> None:
        with pytest.raises(error):
            p.run(["echo", VALUE], secrets=secrets)

    operation, _ = run_scripted(body)
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert lines(operation) == []
    assert not operation.command_runs.exists()


@pytest.mark.parametrize(("value", "error"), [(7, TypeError), (" ", ValueError), ("a", ValueError)])
def test_bad_values_are_refused(value: Any, error: type[Exception]) -> None:
    def body(op: Scripted, p: Progress) -> None:
        p.mask()
        with pytest.raises(error, match=r"mask\(\)"):
            p.mask("right", value)
        p.log("right")

    operation, _ = run_scripted(body)
    assert lines(operation) == ["right"]  # all or nothing


def test_the_arguments_of_a_command_that_cannot_be_run_are_masked() -> None:
    def body(op: Scripted, p: Progress) -> None:
        p.run(["echo", f"{VALUE}\udfff\ud800"], secrets=[VALUE])

    operation, _ = run_scripted(body)
    assert "ValueError: Item 1 of the command" in operation.traceback
    assert VALUE not in operation.traceback


def test_the_result_and_what_html_puts_into_the_page_are_left_alone() -> None:
    def body(op: Scripted, p: Progress) -> None:
        p.mask(VALUE)
        p.html("#op-extra", f"<b>{VALUE}</b>")
        p.result(value=VALUE)

    operation, _ = run_scripted(body)
    assert operation.result_context == {"value": VALUE}
    assert operation.live_progress.swaps == {"#op-extra": f"<b>{VALUE}</b>"}


@pytest.mark.promise("secrets-environment")
def test_the_environment_is_never_recorded(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SITE_KEY", SITE_VALUE)

    def body(op: Scripted, p: Progress) -> None:
        p.run('test -n "$SHOP_KEY" && test -n "$SITE_KEY"', env=ENV)
        p.run("exit 3", env=ENV, check=False)
        p.run("exit 4", env=ENV)

    caplog.set_level("DEBUG", "liveops")
    outcome = perform(body, threaded_pump())
    assert outcome.statuses == [("", 0), ("", 3), ("", 4)]
    assert "exit 4" in outcome.operation.traceback
    models = [model._base_manager.values() for model in apps.get_models()]
    shown = f"{[list(rows) for rows in models]}{outcome.lookout.lines}{caplog.text}"
    assert VALUE not in shown
    assert SITE_VALUE not in shown

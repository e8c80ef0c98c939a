"""The check of the site: real commands, what they find, and the stage that fails on purpose."""

import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.template.loader import render_to_string

from liveops.models import CommandRun, LogLine, StageRun
from liveops.progress.pumps import InlinePump
from liveops.runners.executor import execute
from sitecheck import models
from sitecheck.models import CheckSite

pytestmark = pytest.mark.django_db(transaction=True)

ALL_FINE = {"level": "success", "text": "all fit together"}


@pytest.fixture(autouse=True)
def example_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have commands run as they do in the example project, but on this test's database."""
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "example.settings")
    monkeypatch.setenv("DEBUG", "1")
    monkeypatch.setenv("EXAMPLE_DB", str(connection.settings_dict["NAME"]))


def run(**fields: Any) -> CheckSite:
    """Run a check here and return it as it was stored."""
    operation = CheckSite.objects.create(dependencies_retry_delay=0, **fields)
    execute(operation, pump=InlinePump(), sinks=[], web=False)
    return CheckSite.objects.get(pk=operation.pk)


def log_of(operation: CheckSite, **wanted: str) -> list[str]:
    lines = LogLine.objects.filter(operation=operation.pk, **wanted)
    return list(lines.values_list("text", flat=True))


def attempts_of(operation: CheckSite) -> list[tuple[str, int, str]]:
    runs = StageRun.objects.filter(operation=operation.pk)
    return list(runs.values_list("stage", "attempt", "outcome"))


def test_the_stages_are_the_methods_in_their_order() -> None:
    assert CheckSite.stages == ["Settings", "Migrations", "Static files", "Dependencies"]


def test_the_real_commands_find_the_demo_in_order(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    operation = run(stages_to_run=["Settings", "Migrations", "Static files"])
    assert operation.get_state() == "FINISHED_OK", log_of(operation)
    assert operation.stage_states == {
        "Settings": "done",
        "Migrations": "done",
        "Static files": "done",
        "Dependencies": "skipped",
    }
    assert operation.result_context is not None
    checks = dict(operation.result_context["checks"])
    assert checks["Settings"]["level"] == "warning", "the demo is not meant for the internet"
    assert checks["Settings"]["text"].endswith(" warnings")
    assert checks["Migrations"] == {"level": "success", "text": "all are applied"}
    assert checks["Static files"]["text"].endswith(" files to copy")
    assert int(checks["Static files"]["text"].split()[0]) > 100
    assert checks["Dependencies"] is None

    manage = f"{sys.executable} {models.MANAGE}"
    commands = CommandRun.objects.filter(operation=operation.pk)
    assert list(commands.values_list("stage", "command", "exit_status")) == [
        ("Settings", f"{manage} check --deploy", 0),
        ("Migrations", f"{manage} migrate --check --plan", 0),
        ("Static files", f"{manage} collectstatic --dry-run --noinput", 0),
    ]
    log = log_of(operation)
    assert f"$ {manage} check --deploy" in log
    assert any("security.W018" in line for line in log), "a finding of Django"
    assert any(line.startswith("Pretending to copy") for line in log)

    page = render_to_string("sitecheck/check_site_result.html", operation.result_context)
    assert '<td class="check-found" data-level="warning">' in page
    assert '<td class="check-found" data-level="skipped">left out</td>' in page
    assert "style=" not in page
    text = render_to_string("sitecheck/check_site_result.txt", operation.result_context)
    assert "Migrations     all are applied\n" in text
    assert "Dependencies   left out\n" in text


def test_a_database_behind_the_code_fails_the_check(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EXAMPLE_DB", str(tmp_path / "empty.sqlite3"))
    operation = run(stages_to_run=["Migrations", "Dependencies"])
    assert operation.get_state() == "FINISHED_ERROR"
    assert operation.stage_states == {"Settings": "skipped", "Migrations": "failed"}
    sentence = operation.live_progress.error_text
    assert "migrate --check --plan` ended with exit status 1. Its last lines:" in sentence
    assert "sitecheck.0001_initial" in "\n".join(log_of(operation))


def test_a_stage_that_fails_on_purpose_is_tried_until_it_succeeds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/echo")
    operation = run(stages_to_run=["Dependencies"], failures=2)
    assert operation.get_state() == "FINISHED_OK"
    assert attempts_of(operation)[-3:] == [
        ("Dependencies", 1, "failed"),
        ("Dependencies", 2, "failed"),
        ("Dependencies", 3, "done"),
    ]
    assert operation.result_context is not None
    assert operation.result_context["checks"][-1] == ["Dependencies", ALL_FINE]
    versions, first, second, *command = log_of(operation, stage="Dependencies")
    assert versions.startswith("Python 3."), "noted once, not at each attempt"
    assert first.startswith("Attempt 1 failed: it was asked to fail.")
    assert second.startswith("Attempt 2 failed: it was asked to fail.")
    assert command == ["$ /bin/echo -m pip check", "-m pip check"]
    assert operation.live_progress.status_text == "All is in order"


def test_more_failures_than_attempts_fail_the_operation() -> None:
    operation = run(stages_to_run=["Dependencies"], failures=5)
    assert operation.get_state() == "FINISHED_ERROR"
    assert operation.stage_states["Dependencies"] == "failed"
    assert [number for _, number, _ in attempts_of(operation)[-4:]] == [1, 2, 3, 4]
    assert not CommandRun.objects.filter(operation=operation.pk).exists()
    assert "failed after 4 attempts: it was asked to fail" in operation.live_progress.error_text


def test_packages_that_are_missing_are_looked_for_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho channels 4.3 requires asgiref.\nexit 1\n", encoding="utf-8")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    operation = run(stages_to_run=["Dependencies"])
    assert operation.get_state() == "FINISHED_ERROR"
    warnings = log_of(operation, level="warning")
    assert len(warnings) == 3
    assert warnings[-1].startswith("Attempt 3 failed: channels 4.3 requires asgiref.")
    assert CommandRun.objects.filter(operation=operation.pk, exit_status=1).count() == 4


def test_without_pip_the_packages_are_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "find_spec", lambda name: None)
    operation = run(stages_to_run=["Dependencies"])
    assert operation.get_state() == "FINISHED_OK"
    assert operation.result_context is not None
    _, finding = operation.result_context["checks"][-1]
    assert finding == {"level": "warning", "text": "not checked, as pip is not installed"}
    assert operation.live_progress.status_text == "Nothing is broken, but there are warnings"


def test_a_dry_run_names_the_commands_and_runs_none() -> None:
    operation = run(dry_run=True)
    assert operation.get_state() == "FINISHED_OK"
    assert set(operation.stage_states.values()) == {"done"}
    assert not CommandRun.objects.filter(operation=operation.pk).exists()
    named = [line for line in log_of(operation) if line.startswith("Dry run")]
    assert len(named) == 4
    assert named[-1].endswith("-m pip check")
    assert operation.result_context is not None
    page = render_to_string("sitecheck/check_site_result.html", operation.result_context)
    assert "This was a dry run." in page
    assert "<table" not in page
    text = render_to_string("sitecheck/check_site_result.txt", operation.result_context)
    assert not text.strip()

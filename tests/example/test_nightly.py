"""The nightly summary: what it counts, and how it tidies up."""

import sys
from datetime import timedelta
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.utils import timezone

from gallery.models import CheckLinks, FetchCountries, NightlySummary
from liveops.models import CommandRun, LiveOperation
from liveops.progress.pumps import InlinePump
from liveops.runners.executor import execute
from sitecheck.models import MANAGE

pytestmark = pytest.mark.django_db(transaction=True)


def ended(model: type[LiveOperation], hours: float, *, well: bool = True, took: int = 4) -> Any:
    """Create an operation that ended so many hours ago."""
    end = timezone.now() - timedelta(hours=hours)
    return model.objects.create(
        started_on=end - timedelta(seconds=took), finished_on=end, finished_successfully=well
    )


def run(**fields: Any) -> NightlySummary:
    """Run a summary here, without its command, and return it as it was stored."""
    operation = NightlySummary.objects.create(**fields)
    execute(operation, pump=InlinePump(), sinks=[], web=False)
    return NightlySummary.objects.get(pk=operation.pk)


def test_the_last_day_is_summed_up_by_class() -> None:
    ended(FetchCountries, 1, took=2)
    ended(FetchCountries, 2, took=4)
    ended(CheckLinks, 3, well=False)
    ended(CheckLinks, 25)
    CheckLinks.objects.create()  # waits
    summary = run(stages_to_run=["Count"])
    assert summary.get_state() == "FINISHED_OK"
    assert summary.owner is None
    assert summary.result_context == {
        "rows": [
            {"name": "Fetchings of countries", "number": 2, "failed": 0, "seconds": 3.0},
            {"name": "Checks of links", "number": 1, "failed": 1, "seconds": 4.0},
        ],
        "total": 3,
        "failed": 1,
    }
    assert summary.live_progress.status_text == "1 operation failed"
    page = render_to_string("gallery/nightly_summary_result.html", summary.result_context)
    assert "Fetchings of countries" in page
    assert "style=" not in page
    text = render_to_string("gallery/nightly_summary_result.txt", summary.result_context)
    assert text.splitlines()[1].endswith("(1 without success)")


def test_a_class_that_is_gone_keeps_its_label() -> None:
    LiveOperation.objects.filter(pk=ended(CheckLinks, 1).pk).update(operation_type="shop.Gone")
    summary = run(stages_to_run=["Count"])
    assert summary.result_context is not None
    assert [row["name"] for row in summary.result_context["rows"]] == ["shop.Gone"]


def test_without_any_it_was_a_quiet_day() -> None:
    summary = run(stages_to_run=["Count"])
    assert summary.live_progress.status_text == "A quiet day: nothing has failed"
    page = render_to_string("gallery/nightly_summary_result.html", summary.result_context)
    assert "Nothing has ended" in page


def test_the_packages_own_command_tidies_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What that deletes is tested with it; the browser test has it run for real."""
    monkeypatch.setattr(sys, "executable", "/bin/echo")
    summary = run(keep_days=7)
    assert summary.get_state() == "FINISHED_OK", summary.live_progress.error_text
    command = CommandRun.objects.get()
    assert command.command == f"/bin/echo {MANAGE} liveops_prune --older-than 7d"
    assert command.stage == "Tidy up"

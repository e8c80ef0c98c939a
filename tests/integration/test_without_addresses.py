"""A process whose URLconf does not have ``liveops.urls`` runs operations like any other."""

import io
import logging
from typing import Any

import pytest
from django.core.management import call_command

from liveops.models import LiveOperation
from liveops.testing import run_operation
from tests.testapp.models import Walk

pytestmark = pytest.mark.django_db
urlpatterns: list[Any] = []


@pytest.fixture(params=[__name__, None], ids=["without-ours", "none"], autouse=True)
def urlconf(request: Any, settings: Any) -> None:
    settings.ROOT_URLCONF = request.param


def test_run_liveop_says_nothing_of_addresses(caplog: pytest.LogCaptureFixture) -> None:
    printed = io.StringIO()
    with caplog.at_level(logging.WARNING):
        call_command("run_liveop", "testapp.Walk", stdout=printed, skip_checks=True)
    assert caplog.messages == []
    assert LiveOperation.objects.get().get_state() == "FINISHED_OK"
    assert "Success" in printed.getvalue()


def test_watchers_in_other_processes_are_told_of_the_end() -> None:
    outcome = run_operation(Walk.objects.create(items=1))
    (finished,) = [frame.finished for frame in outcome.frames if frame.finished]
    assert finished == {"state": "FINISHED_OK", "url": "", "success_url": None}

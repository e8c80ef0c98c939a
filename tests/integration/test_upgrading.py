"""What docs/how-to/upgrading.md says of old and new code at the same time."""

import logging

import pytest

from liveops.models import LiveOperation
from liveops.runners.worker import run_here
from tests.testapp.models import Walk

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_worker_leaves_alone_what_it_does_not_know(caplog: pytest.LogCaptureFixture) -> None:
    operation = Walk.objects.create()
    rows = LiveOperation._base_manager.filter(pk=operation.pk)
    rows.update(operation_type="shop.OfTheNextVersion")
    with caplog.at_level(logging.WARNING, "liveops"):
        assert run_here(str(operation.pk)) is None
    assert "shop.OfTheNextVersion" in caplog.text
    row = rows.get()
    assert (row.get_state(), row.run_id) == ("NOT_STARTED", None)
    rows.update(operation_type="testapp.Walk")
    assert run_here(str(operation.pk)) == "FINISHED_OK"


def test_a_renamed_class_is_found_by_its_new_name_once_the_rows_say_it() -> None:
    operation = Walk.objects.create()
    LiveOperation.objects.filter(pk=operation.pk).update(operation_type="testapp.OldName")
    stored = LiveOperation.objects.filter(operation_type="testapp.OldName")
    assert stored.update(operation_type="testapp.Walk") == 1
    assert isinstance(LiveOperation.objects.get(pk=operation.pk).specific, Walk)

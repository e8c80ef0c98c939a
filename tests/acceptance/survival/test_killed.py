"""Killed processes of a Celery worker: nothing is lost, nothing runs twice, all of it goes on."""

import pytest
from django.contrib.auth import get_user_model

from liveops import control
from liveops.exceptions import InvalidStateError
from liveops.models import ControlRecord
from tests.acceptance.survival.killing import AGAIN, CAPPED, SCENES, Played, played
from tests.acceptance.survival.scenes import (
    assert_no_gap,
    disarm,
    lines_of,
    state_of,
    stored,
    wait_for,
)
from tests.engines.waiting import until

__all__ = ["played"]  # the fixture


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param("killed-in-stage", marks=pytest.mark.fault("killed-in-stage")),
        pytest.param("killed-after-claim", marks=pytest.mark.fault("killed-after-claim")),
        pytest.param("killed-between-stages", marks=pytest.mark.fault("killed-between-stages")),
        pytest.param("killed-in-retry-wait", marks=pytest.mark.fault("killed-in-retry-wait")),
        pytest.param("killed-in-transaction", marks=pytest.mark.fault("killed-in-transaction")),
        pytest.param("killed-with-command", marks=pytest.mark.fault("killed-with-command")),
        pytest.param("killed-before-end", marks=pytest.mark.fault("killed-before-end")),
        pytest.param("killed-while-cancelling", marks=pytest.mark.fault("killed-while-cancelling")),
        pytest.param("killed-in-log-flood", marks=pytest.mark.fault("killed-in-log-flood")),
        pytest.param("killed-while-saving", marks=pytest.mark.fault("killed-while-saving")),
    ],
)
def test_what_was_killed_is_interrupted_and_goes_on(played: Played, fault: str) -> None:
    """Find it INTERRUPTED with all that was saved, told to its watchers; resume it to its end."""
    scene, (operation, site, watch) = SCENES[fault], played.of(fault)
    before = lines_of(operation)
    assert state_of(operation) == "INTERRUPTED"
    assert stored(operation).stage_states == scene.stages
    assert [entry.stage for entry in site.journal.begun(operation)] == list(scene.begun)
    assert len(before) >= scene.logs
    assert set(watch.lines(operation)) <= set(before)
    assert_no_gap(operation)
    watch.wait_for_end(operation, "INTERRUPTED")
    assert stored(operation).can_resume

    disarm(site, operation, scene.point)
    site.let_go(operation, "here")
    control.resume(stored(operation))
    wait_for(operation, "FINISHED_OK")
    begun = [entry.stage for entry in site.journal.begun(operation)]
    assert begun == [*scene.begun, *scene.done_again]
    assert before.items() <= lines_of(operation).items()
    assert_no_gap(operation)
    watch.wait_for_end(operation, "FINISHED_OK")


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param("killed-in-async", marks=pytest.mark.fault("killed-in-async")),
        pytest.param("killed-in-block", marks=pytest.mark.fault("killed-in-block")),
    ],
)
def test_what_cannot_be_resumed_is_interrupted_and_starts_anew(played: Played, fault: str) -> None:
    """Find a run without stage methods INTERRUPTED; resume is refused, restart works."""
    scene, (operation, site, watch) = SCENES[fault], played.of(fault)
    assert state_of(operation) == "INTERRUPTED"
    assert stored(operation).stage_states == scene.stages
    assert_no_gap(operation)
    watch.wait_for_end(operation, "INTERRUPTED")
    with pytest.raises(InvalidStateError):
        control.resume(stored(operation))

    before = lines_of(operation)
    site.let_go(operation, "here")
    control.restart(stored(operation))
    wait_for(operation, "FINISHED_OK")
    begun = [entry.stage for entry in site.journal.begun(operation)]
    assert begun == ["Load", "Load", "Change", "Save"]
    assert list(lines_of(operation)) == [max(before) + 1]  # numbers are not used again


@pytest.mark.fault("killed-after-end")
def test_what_had_ended_stays_as_it_ended(played: Played) -> None:
    """Kill after the end was saved, before any watcher was told: the database tells them."""
    operation, site, watch = played.of("killed-after-end")
    scene = SCENES["killed-after-end"]
    watch.wait_for_end(operation, "FINISHED_OK")
    assert stored(operation).result_context == {"rows": 3}
    assert stored(operation).stage_states == scene.stages
    assert lines_of(operation) == {1: "saved"}
    assert [entry.stage for entry in site.journal.begun(operation)] == list(scene.begun)
    assert watch.ends(operation) == ["FINISHED_OK"]


@pytest.mark.fault("killed-after-chain")
def test_the_next_of_a_chain_is_not_forgotten(played: Played) -> None:
    """Kill between the commit of the chain and the message: the next one is handed over."""
    operation, site, watch = played.of("killed-after-chain")
    assert state_of(operation) == "FINISHED_OK"
    following = stored(operation).next_operation.specific
    wait_for(following, "FINISHED_OK")
    assert lines_of(following) == {1: "next"}
    assert [entry.stage for entry in site.journal.begun(following)] == ["Load", "Change", "Save"]
    watch.wait_for_end(operation, "FINISHED_OK")


@pytest.mark.fault("killed-in-transaction")
def test_a_transaction_of_user_code_is_gone_with_its_process(played: Played) -> None:
    """Find nothing of the killed transaction but its progress; the resumed one wrote its rows."""
    operation, site, _ = played.of("killed-in-transaction")
    users = get_user_model().objects.filter(username="ada")
    runs = {entry.run for entry in site.journal.begun(operation, "Load")}
    assert users.count() == (1 if state_of(operation) == "FINISHED_OK" else 0)
    lines = list(lines_of(operation).values())
    assert lines.count("inside") == len(runs)
    assert lines.count("Resumed at the stage Load.") == len(lines) - len(runs) == len(runs) - 1


@pytest.mark.fault("killed-while-cancelling")
def test_what_was_to_be_cancelled_is_not_resumed_by_itself(played: Played) -> None:
    """Keep it INTERRUPTED although its class is resumed, for somebody wanted it to stop."""
    operation, _, _ = played.of("killed-while-cancelling")
    records = ControlRecord.objects.filter(operation=operation.pk).order_by("pk")
    assert [record.action for record in records][:1] == ["cancel"]
    assert stored(operation).resumes_left in (3, None)


@pytest.mark.fault("killed-resumes-by-itself")
def test_it_goes_on_by_itself_if_its_class_says_so(played: Played) -> None:
    """See a killed run taken up by another process, from the stage that it was in."""
    operation, site, watch = played.of(AGAIN)
    first, second = site.reached(operation, "here"), site.reached(operation, "here", times=2)
    assert first != second
    site.let_go(operation, "here")
    wait_for(operation, "FINISHED_OK")
    begun = [entry.stage for entry in site.journal.begun(operation)]
    assert begun == ["Load", "Change", "Change", "Save"]
    assert stored(operation).resumes_left == 2
    said = "Went on by itself after an interruption, at the stage Change."
    assert list(lines_of(operation).values()) == ["loaded", "on", said, "on"]
    assert_no_gap(operation)
    watch.wait_for_end(operation, "FINISHED_OK")


@pytest.mark.fault("killed-too-often")
def test_it_goes_on_by_itself_only_so_often(played: Played) -> None:
    """Let a run that kills its process be, once no time is left; a person may resume it."""
    operation, site, _ = played.of(CAPPED)
    until(lambda: len(site.journal.begun(operation, "Change")) == 2, 45, "the second run")
    wait_for(operation, "INTERRUPTED")
    assert stored(operation).resumes_left == 0
    site.let_go(operation, "spared")
    control.resume(stored(operation))
    wait_for(operation, "FINISHED_OK")
    begun = [entry.stage for entry in site.journal.begun(operation)]
    assert begun == ["Load", "Change", "Change", "Change", "Save"]

"""Frames of a status that are filled in are those that templates would have given."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import translation

from liveops import rendering
from liveops.progress.update import Region, Swap, Update
from liveops.progress.view import View
from liveops.rendering import regions
from liveops.stages import StageState
from liveops.states import State
from tests.integration.conftest import Templates
from tests.integration.markup import HOSTILE
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db

STARTED = View(state=State.STARTED, status_text="at work")


@pytest.fixture
def operation() -> Scripted:
    """Return an operation."""
    return Scripted.objects.create()


def said(
    operation: Scripted, text: str = "at work", *, seq: int = 7, level: str = "info"
) -> Update:
    view = replace(STARTED, status_text=text, status_level=level)
    return Update(operation, seq, view, frozenset({Region.STATUS}))


def rendered(update: Update) -> str:
    with translation.override(update.operation.language):
        return rendering.fragments(update)


def test_each_frame_is_as_the_template_gives_it(operation: Scripted) -> None:
    mould = rendering.StatusMould()
    texts = [
        "at work",
        HOSTILE,
        "{{ state }} %s {0}",
        ' data-seq="7"',
        "Zeile für Zeile",
        "at work",
    ]
    for seq, text in enumerate(texts, 7):
        update = said(operation, text, seq=seq)
        assert mould.fill(update) == rendered(update)


def test_what_else_the_region_shows_may_change_meanwhile(
    operation: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regions, "_", lambda text: f"{translation.get_language()}: {text}")
    mould = rendering.StatusMould()
    first = mould.fill(said(operation))
    for change in (
        {"language": "de"},
        {"started_on": operation.created_on + timedelta(hours=1)},
        {"created_on": operation.created_on - timedelta(hours=1)},
    ):
        for name, value in change.items():
            setattr(operation, name, value)
        assert mould.fill(said(operation)) == rendered(said(operation)) != first
    warning = said(operation, level="warning")
    assert mould.fill(warning) == rendered(warning)
    other = said(Scripted.objects.create())
    assert mould.fill(other) == rendered(other)


@pytest.mark.parametrize(
    "change",
    [
        {"regions": frozenset({Region.STATUS, Region.PROGRESS})},
        {"regions": frozenset()},
        {"swaps": [Swap("#part", "<b>1</b>", "innerHTML")]},
        {"replace_log": True},
        {"view": replace(STARTED, status_text="")},
        {"view": replace(STARTED, state=State.FINISHED_OK)},
        {"view": replace(STARTED, cancel_requested=True)},
        {"view": replace(STARTED, stage_states={"Load": StageState.RETRYING})},
    ],
    ids=["progress", "nothing", "swap", "log", "no-text", "ended", "cancelled", "retrying"],
)
def test_any_other_frame_is_left_to_templates(operation: Scripted, change: Any) -> None:
    mould = rendering.StatusMould()
    mould.fill(said(operation))
    assert mould.fill(replace(said(operation), **change)) is None


def test_a_template_of_the_project_sees_each_text(
    operation: Scripted, templates: Templates
) -> None:
    mould = rendering.StatusMould()
    assert mould.fill(said(operation)) is not None
    templates(
        {"liveops/_status.html": "{{ status_text|upper }}{% if status_text == 'a' %}!{% endif %}"}
    )
    assert mould.fill(said(operation)) is None
    assert "AT WORK" in rendered(said(operation))


def test_a_badge_of_the_project_is_shown(operation: Scripted, templates: Templates) -> None:
    mould = rendering.StatusMould()
    mould.fill(said(operation))
    templates({"liveops/_state_badge.html": "<b>badge</b>"})
    html = mould.fill(said(operation))
    assert html == rendered(said(operation))
    assert html is not None
    assert "<b>badge</b>" in html

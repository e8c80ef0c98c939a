"""Which language is used where: the operation speaks its creator's, the page its reader's."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from liveops import control, rendering, snapshot
from liveops.commands.errors import CommandFailed, CommandNotStarted, CommandTimedOut
from liveops.commands.results import CommandResult
from liveops.exceptions import OperationError, StageFailedError
from liveops.failure_texts import failure_text
from liveops.models import ControlRecord
from liveops.progress import Progress
from liveops.progress.update import Region, Update
from liveops.progress.view import View
from tests.integration.markup import parse
from tests.testapp.models import Scripted, Walk

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.testapp.urls")]


@pytest.fixture(autouse=True)
def asked_for(settings: Any) -> None:
    """Have pages in the language that the browser asks for."""
    position = settings.MIDDLEWARE.index("django.middleware.common.CommonMiddleware")
    middleware = list(settings.MIDDLEWARE)
    middleware.insert(position, "django.middleware.locale.LocaleMiddleware")
    settings.MIDDLEWARE = middleware


def get(client: Client, address: str, language: str) -> str:
    return client.get(address, headers={"accept-language": language}).content.decode()


@pytest.fixture
def german(client: Client, django_user_model: Any, django_capture_on_commit_callbacks: Any) -> Walk:
    """An operation that somebody created on a page in German."""
    user = django_user_model.objects.create_user("anna", is_superuser=True)
    client.force_login(user)
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/walk/", {"items": 2, "label": "x"}, headers={"accept-language": "de"})
    return Walk.objects.get()


def test_an_operation_takes_the_language_of_the_page_that_creates_it(german: Walk) -> None:
    assert german.language == "de"


def test_the_container_and_its_head_say_in_which_language_they_are(
    client: Client, german: Walk
) -> None:
    page = parse(get(client, german.get_absolute_url(), "en"))
    (html,) = page.all("html")
    assert html.attributes["lang"] == "en"
    container = page.one("section", class_="liveop")
    head = page.one("header", class_="liveops-page-head")
    for part in (container, head):
        assert (part.attributes["lang"], part.attributes["dir"]) == ("de", "ltr")
    assert "Neu starten" in container.text
    assert "Vorgänge" in head.text
    assert "Skip to the content" in page.text, "the frame of the page is the reader's"
    for word in ("Start again", "Succeeded", "Download", "Log"):
        assert not re.search(rf"\b{word}\b", container.text), word


def test_an_operation_of_an_english_speaker_on_a_page_from_right_to_left(
    client: Client, german: Walk
) -> None:
    Walk.objects.update(language="en")
    page = parse(get(client, german.get_absolute_url(), "ar"))
    (html,) = page.all("html")
    assert (html.attributes["lang"], html.attributes["dir"]) == ("ar", "rtl")
    container = page.one("section", class_="liveop")
    assert (container.attributes["lang"], container.attributes["dir"]) == ("en", "ltr")


def test_the_list_is_in_the_language_of_its_reader(client: Client, german: Walk) -> None:
    page = parse(get(client, "/live/", "en"))
    assert "Succeeded" in page.text
    page = parse(get(client, "/live/", "de"))
    assert "Erfolgreich" in page.text


def test_what_is_pushed_is_in_the_language_of_the_operation(german: Walk) -> None:
    view = View(state="STARTED", percent=12.0, done=1_234, total=28_000, unit="item", rate=3.46)
    with translation.override("de"):
        html = rendering.fragments(
            Update(operation=german, view=view, regions=frozenset({Region.PROGRESS}), seq=3)
        )
    text = parse(html).text
    assert "1.234 / 28.000 Elemente" in text
    assert "3,5 Elemente/s" in text
    assert "12\xa0%" in text or "12 %" in text


def test_a_refusal_is_in_the_language_of_the_container_that_shows_it(
    client: Client, german: Walk
) -> None:
    answer = client.post(
        f"/live/{german.pk}/cancel/", headers={"accept-language": "en", "hx-request": "true"}
    )
    assert answer.status_code == 409
    assert answer.content.decode() == (
        "Dieser Vorgang ist schon beendet und kann nicht mehr abgebrochen werden."
    )


def test_who_came_by_a_link_is_recorded_in_the_language_of_the_operation() -> None:
    class Grant:
        kind, shared_by = "share", "anna"

    operation = Scripted.objects.create(language="de")
    control.cancel(operation, Grant())
    assert ControlRecord.objects.get().user_name == "einem Link, den anna freigab"


def test_a_stage_that_is_given_up_says_so_in_the_language_of_the_operation(
    django_capture_on_commit_callbacks: Any,
) -> None:
    def body(op: Scripted, p: Progress) -> None:
        raise StageFailedError.after("Load", 3, "the line is busy")

    Scripted.body = body
    operation = Scripted.objects.create(language="de")
    with django_capture_on_commit_callbacks(execute=True):
        operation.enqueue()
    shown = rendering.region_html(
        Region.RESULT, operation, View(state="FINISHED_ERROR", error_text=stored_error(operation))
    )
    assert "Die Etappe &#x27;Load&#x27; ist nach 3 Versuchen fehlgeschlagen" in shown


def stored_error(operation: Scripted) -> str:

    return snapshot.take(Scripted.objects.get(pk=operation.pk)).view.error_text


def result(returncode: int, *tail: str) -> CommandResult:
    return CommandResult(command="make it", returncode=returncode, seconds=1.0, tail=tail)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (StageFailedError.after("Load", 1, None), "Die Etappe 'Load' ist nach 1 Versuch"),
        (CommandFailed(result(3, "one", "two")), "`make it` endete mit Exit-Status 3. Die letzten"),
        (CommandFailed(result(-9)), "`make it` wurde durch SIGKILL beendet."),
        (CommandTimedOut(result(-9), 5), "`make it` wurde nach 5 s angehalten"),
        (CommandNotStarted("make", "no"), "`make` konnte nicht gestartet werden: no."),
        (StageFailedError("own words"), "own words"),
        (OperationError("own words"), "own words"),
    ],
    ids=["stage", "status", "signal", "time", "start", "plain", "own"],
)
def test_an_error_speaks_english_to_logs_and_the_current_language_to_people(
    error: OperationError, text: str
) -> None:
    with translation.override("en"):
        assert failure_text(error) == str(error)
    with translation.override("de"):
        assert failure_text(error).startswith(text)

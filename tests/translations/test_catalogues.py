"""The catalogues: none is stale, none has a hole, and Django reads them."""

import re
from pathlib import Path

import pytest
from django.utils import translation
from django.utils.translation import ngettext

from liveops import numbers
from liveops.rendering.log import new_text, panel_texts
from scripts import translations

LANGUAGES = sorted(translations.PLURALS)
CODES = {"zh_Hans": "zh-hans"}


def test_nothing_is_stale_incomplete_or_broken(capsys: pytest.CaptureFixture[str]) -> None:
    status = translations.main(["--check"])
    assert status == 0, capsys.readouterr().out


def test_every_language_has_a_directory_and_the_reverse() -> None:
    assert sorted(path.name for path in translations.LOCALES.iterdir() if path.is_dir()) == (
        LANGUAGES
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_django_speaks_it(language: str) -> None:
    catalog = translations.stored(language)
    wanted = catalog["The operation could not be started."].string
    with translation.override(CODES.get(language, language)):
        assert translation.gettext("The operation could not be started.") == wanted
        assert wanted != "The operation could not be started."


FORMS = {
    "de": {1: 0, 2: 1},
    "fr": {0: 0, 1: 0, 2: 1},
    "pl": {1: 0, 3: 1, 11: 2, 22: 1, 25: 2},
    "uk": {1: 0, 3: 1, 11: 2, 21: 0, 25: 2},
    "ja": {1: 0, 5: 0},
    "ar": {0: 0, 1: 1, 2: 2, 7: 3, 11: 4, 100: 5},
}


@pytest.mark.parametrize("language", FORMS)
def test_each_number_gets_its_plural_form(language: str) -> None:
    catalog = translations.stored(language)
    forms = translations.texts_of(catalog["{n} new line ↓"].string)
    with translation.override(language):
        shown = {number: forms.index(new_text(number)) for number in FORMS[language]}
    assert shown == FORMS[language]


@pytest.mark.parametrize(
    ("language", "names"),
    [
        ("en", {"new", "new-one"}),
        ("ja", {"new"}),
        ("pl", {"new", "new-one", "new-few"}),
        ("ar", {"new", "new-zero", "new-one", "new-two", "new-few", "new-many"}),
    ],
)
def test_the_page_is_given_the_plural_forms_of_its_language(language: str, names: set[str]) -> None:
    with translation.override(language):
        given = set(re.findall(r"data-text-(new[\w-]*)=", panel_texts()))
    # Forms that read the same as the one for all other numbers are not sent twice.
    assert "new" in given
    assert given <= names
    assert len(given) >= len(names) - 1


def test_a_unit_is_translated_where_the_project_has_its_plural() -> None:
    assert numbers.counts(1, None, "row") == "1 row"
    assert numbers.counts(11_200, 28_000, "row") == "11,200 / 28,000 rows"
    with translation.override("de"):
        assert numbers.counts(11_200, 28_000, "item") == (
            f"11.200 / 28.000 {ngettext('item', 'items', 28_000)}"
        )
        assert numbers.counts(2, None, "row") == "2 rows"


@pytest.mark.parametrize(
    ("original", "text", "problem"),
    [
        ("a %(b)s", "x %(b)s", None),
        ("a %(b)s", "x %(c)s", "other placeholders"),
        ("a {n} %d", "x %d", "other placeholders"),
        ("<b>a</b>", "<b>x</b>", None),
        ("<b>a</b>", "<i>x</i>", "other markup"),
        ("a", " x", "other space around it"),
        ("a", "", "not translated"),
        (("a", "b"), ("x", "y"), None),
        (("a", "b"), ("x", ""), "not translated"),
        (("{n} a", "{n} b"), ("x", "{n} y"), "other placeholders"),
    ],
)
def test_what_is_wrong_is_named(
    original: str | tuple[str, str], text: str | tuple[str, str], problem: str | None
) -> None:
    catalog = translations.Words("de")
    catalog.add(original, text)
    assert translations.mistakes(catalog) == (
        [] if problem is None else [f"{problem}: {original!r}"]
    )


def test_arabic_may_leave_out_a_number_that_its_form_says() -> None:
    catalog = translations.Words("ar")
    forms = ("{n} لا", "واحد", "اثنان", "{n} أ", "{n} ب", "{n} ج")
    catalog.add(("{n} a", "{n} b"), forms)
    assert translations.mistakes(catalog) == []
    catalog[("{n} a", "{n} b")].string = (*forms[:3], "بلا", *forms[4:])
    assert translations.mistakes(catalog) != []


def test_everything_that_a_template_marks_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "page.html").write_text(
        """{% load i18n %}
          <p title="{% translate "Title" %}">{% translate "Open" context "button" %}</p>
            {% blocktranslate trimmed count n=n %}
              One
                line
            {% plural %}
              {{ n }} lines
            {% endblocktranslate %}
      {% include "x.html" with a=_("Given") only %}
      {{ value|default:_("Nothing") }}""",
        encoding="utf-8",
    )
    monkeypatch.setattr(translations, "PACKAGE", tmp_path)
    monkeypatch.setattr(translations, "ROOT", tmp_path)
    found = {(one.context, one.id) for one in translations.extracted().messages()}
    assert found == {
        (None, "Title"),
        ("button", "Open"),
        (None, ("One line", "%(n)s lines")),
        (None, "Given"),
        (None, "Nothing"),
    }

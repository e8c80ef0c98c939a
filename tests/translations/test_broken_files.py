"""What is broken is named, stays as it is for somebody to mend, and is in no compiled catalogue."""

import gettext
from pathlib import Path

import pytest

from scripts import translations

CONFLICT = """
<<<<<<< HEAD
msgid "Hello {name}"
msgstr "Hallo {name}"
=======
msgid "Hello {name}"
msgstr "Moin {name}"
>>>>>>> other
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a package with one text, and without catalogues."""
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "module.py").write_text('_("Hello {name}")\n', encoding="utf-8")
    monkeypatch.setattr(translations, "ROOT", tmp_path)
    monkeypatch.setattr(translations, "PACKAGE", folder)
    monkeypatch.setattr(translations, "LOCALES", folder / "locale")
    monkeypatch.setattr(translations, "TEMPLATE", folder / "locale/django.pot")
    return folder


def write(language: str, text: str) -> Path:
    path = translations.po_path(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("arguments", [["--check"], []], ids=["check", "write"])
def test_a_conflict_is_named_and_left_to_people(
    package: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    path = write("de", CONFLICT)
    write("fr", 'msgid "Hello {name}"\nmsgstr "Salut {name}"\n')
    assert translations.main([*arguments, "de", "fr"]) == 1
    shown = capsys.readouterr().out
    assert "package/locale/de/LC_MESSAGES/django.po, line 2: '<<<<<<< HEAD' belongs in no" in shown
    assert path.read_text(encoding="utf-8") == CONFLICT
    assert not path.with_suffix(".mo").exists()
    others = translations.po_path("fr").with_suffix(".mo")
    assert others.exists() is (arguments == []), "the others are written all the same"


def test_a_catalogue_that_is_no_text_is_named(
    package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write("de", "").write_bytes(b'msgid "Hello {name}"\nmsgstr "\xe9"\n')
    assert translations.main(["de"]) == 1
    assert "locale/de/LC_MESSAGES/django.po: " in capsys.readouterr().out


@pytest.mark.parametrize(
    "text", ["Hallo {nome}", "Hallo", " Hallo {name}", "<b>Hallo {name}</b>", ""]
)
def test_what_is_not_right_is_not_compiled(
    package: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    path = write("de", f'msgid "Hello {{name}}"\nmsgstr "{text}"\n')
    assert translations.main(["de"]) == 1
    with path.with_suffix(".mo").open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("Hello {name}") == "Hello {name}"
    assert "1 to look at" in capsys.readouterr().out


def test_what_is_right_is_compiled(package: Path) -> None:
    path = write("de", 'msgid "Hello {name}"\nmsgstr "Hallo {name}"\n')
    assert translations.main(["de"]) == 0
    with path.with_suffix(".mo").open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("Hello {name}") == "Hallo {name}"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("broken.py", b'_("never closed\n'),
        ("broken.py", b"f(\n"),
        ("broken.py", b"if a:\n        b\n    c\n"),
        ("latin.py", b"# \xe9\n"),
        ("page.html", b"{% load i18n %}{% blocktranslate %}{% if a %}{% endblocktranslate %}"),
    ],
    ids=["quote", "bracket", "indent", "encoding", "template"],
)
def test_a_source_that_cannot_be_read_is_named(
    package: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes
) -> None:
    (package / name).write_bytes(content)
    assert translations.main([]) == 1
    shown = capsys.readouterr().out
    assert shown.startswith(f"package/{name} cannot be read (")
    assert not translations.LOCALES.exists()

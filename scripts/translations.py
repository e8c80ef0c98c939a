"""Bring the translations up to date: extract, update, compile, and report.

Babel does it, without the programs of GNU gettext that many a machine lacks; Django itself turns
its templates into what can be extracted. ``--check`` writes nothing, and fails where a file is
stale, incomplete or broken.
"""

import argparse
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from tokenize import TokenError
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "liveops"
LOCALES = PACKAGE / "locale"
TEMPLATE = LOCALES / "django.pot"

PLURALS = {
    "ar": "nplurals=6; plural=n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 :"
    " n%100>=11 && n%100<=99 ? 4 : 5;",
    "de": "nplurals=2; plural=(n != 1);",
    "es": "nplurals=2; plural=(n != 1);",
    "fr": "nplurals=2; plural=(n > 1);",
    "ja": "nplurals=1; plural=0;",
    "pl": "nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);",
    "pt": "nplurals=2; plural=(n != 1);",
    "uk": "nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 &&"
    " (n%100<12 || n%100>14) ? 1 : 2);",
    "zh_Hans": "nplurals=1; plural=0;",
}
"""The languages, each with its plural forms of whole numbers."""

KEYWORDS: Any = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
_WITHOUT_A_NUMBER = {"ar": 3}  # so many plural forms are of one number each, which may be left out
_LINE_START = re.compile(r"^[ \t]+", re.MULTILINE)
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd%]|\{\w+\}")
_MARKUP = re.compile(r"</?\w[^>]*>|&\w+;")


class BrokenFileError(Exception):
    """A file cannot be read; the message says which, and where."""


class Words(Catalog):
    """A catalogue whose header says nothing that differs from day to day.

    Args:
        language: as its directory is called; without one it is the template of all catalogues.
    """

    def __init__(self, language: str | None = None) -> None:
        super().__init__(language, fuzzy=False, header_comment=f"# {language or 'Template'}")
        self.language = language
        if language is not None:
            self._num_plurals: Any = int(PLURALS[language][len("nplurals=") :].partition(";")[0])

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        """Return the header, which is what reading the catalogue takes."""
        headers = [("Content-Type", "text/plain; charset=UTF-8")]
        if self.language is not None:
            headers.append(("Language", self.language))
            headers.append(("Plural-Forms", PLURALS[self.language]))
        return headers

    def messages(self) -> list[Message]:
        """Return the messages, without the header."""
        return [message for message in self if message.id]


def main(arguments: list[str] | None = None) -> int:
    """Write the catalogues, or check them; return an exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, only look")
    parser.add_argument(
        "languages", nargs="*", choices=[[], *PLURALS], metavar="language", help="leave out for all"
    )
    options = parser.parse_args(arguments)
    is_check = options.check
    try:
        template = extracted()
    except BrokenFileError as error:
        print(error)
        return 1
    files = {TEMPLATE: po_bytes(template)}
    problems = []
    for language in options.languages or PLURALS:
        try:
            catalog = updated(language, template)
        except BrokenFileError as error:  # it stays as it is, for somebody to mend
            problems.append(str(error))
            continue
        files[po_path(language)] = po_bytes(catalog)
        files[po_path(language).with_suffix(".mo")] = mo_bytes(catalog)
        wrong = mistakes(catalog)
        problems += [f"{language}: {problem}" for problem in wrong]
        print(f"{language:8}{len(catalog)} messages, {len(wrong)} to look at")
    for path, content in files.items():
        if path.is_file() and path.read_bytes() == content:
            continue
        if is_check:
            problems.append(f"{path.relative_to(ROOT)} is stale: run `make translations`")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    print("\n".join(problems) or "All are complete.")
    return int(bool(problems))


def sources() -> Iterator[Path]:
    """Yield each file that may hold something to translate."""
    for path in sorted(PACKAGE.rglob("*")):
        if path.suffix in {".py", ".html", ".txt"} and "migrations" not in path.parts:
            yield path


def marked(path: Path) -> list[Any]:
    """Return what a file has marked, as Babel tells of it.

    Raises:
        BrokenFileError: it is not what its name says.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix != ".py":
            # Indented as a template is, it would be no Python.
            text = _LINE_START.sub("", templatize(text, origin=str(path)))
        file = io.BytesIO(text.encode())
        return list(extract("python", file, KEYWORDS, ["Translators:"], strip_comment_tags=True))
    except (SyntaxError, TokenError, UnicodeDecodeError) as error:
        name = path.relative_to(ROOT)
        raise BrokenFileError(f"{name} cannot be read ({error}): mend it first.") from error


def extracted() -> Words:
    """Return all that there is to translate, in the order of the files.

    Raises:
        BrokenFileError: a file cannot be read.
    """
    if not settings.configured:
        settings.configure(USE_I18N=True)
    catalog, places = Words(), dict[tuple[Any, str | None], set[str]]()
    for path in sources():
        name = path.relative_to(ROOT).as_posix()
        for _line, words, comments, context in marked(path):
            catalog.add(words, None, auto_comments=comments, context=context)
            key = (words if isinstance(words, str) else words[0], context)
            places.setdefault(key, set()).add(name)
    for message in catalog.messages():
        found_in = places[texts_of(message.id)[0], message.context]
        message.locations = [(name, 0) for name in sorted(found_in)]
    return catalog


def stored(language: str) -> Words:
    """Return the catalogue of a language as its file has it; empty without one.

    Raises:
        BrokenFileError: a line of it is none of a catalogue, as after a merge that met a conflict.
    """
    path, catalog = po_path(language), Words(language)
    if path.is_file():
        with path.open("rb") as file:
            try:
                read = read_po(file, locale=language, abort_invalid=True)
            except (PoFileError, UnicodeDecodeError) as error:
                what = f": {error}"
                if isinstance(error, PoFileError):
                    what = f", line {error.lineno + 1}: {error.line!r} belongs in no catalogue"
                raise BrokenFileError(f"{path.relative_to(ROOT)}{what}. Mend it first.") from error
        for message in read:
            if message.id:
                catalog[message.id] = message
    return catalog


def updated(language: str, template: Words) -> Words:
    """Return the stored catalogue of a language with the messages of the template."""
    catalog = stored(language)
    catalog.update(template, no_fuzzy_matching=True, update_header_comment=False)
    return catalog


def texts_of(words: object) -> list[str]:
    """Return a message's id or translation as texts: one for each of its plural forms."""
    forms = words if isinstance(words, list | tuple) else [words]
    return [str(form or "") for form in forms]


def mistakes(catalog: Words) -> list[str]:
    """Return what is wrong with a catalogue: a sentence for each message that is not as it must."""
    return [
        f"{problem}: {message.id!r}"
        for message in catalog.messages()
        if (problem := _mistake(message, catalog)) is not None
    ]


def _mistake(message: Message, catalog: Words) -> str | None:
    if message.fuzzy:
        return "fuzzy"
    is_plural = isinstance(message.id, tuple)
    original, forms = texts_of(message.id)[-1], texts_of(message.string)
    if not all(forms) or (is_plural and len(forms) != catalog.num_plurals):
        return "not translated"
    for place, text in enumerate(forms):
        wanted, given = (sorted(_PLACEHOLDER.findall(one)) for one in (original, text))
        may_lack = is_plural and place < _WITHOUT_A_NUMBER.get(catalog.language or "", 0)
        if given != wanted and not (may_lack and "%d" not in wanted and set(given) < set(wanted)):
            return "other placeholders"
        if sorted(_MARKUP.findall(text)) != sorted(_MARKUP.findall(original)):
            return "other markup"
        if text.strip() != text:
            return "other space around it"
    return None


def po_path(language: str) -> Path:
    """Return where the catalogue of a language is."""
    return LOCALES / language / "LC_MESSAGES" / "django.po"


def po_bytes(catalog: Words) -> bytes:
    """Return a catalogue as people edit it."""
    file = io.BytesIO()
    write_po(file, catalog, width=100, include_lineno=False, ignore_obsolete=True)
    return file.getvalue()


def mo_bytes(catalog: Words) -> bytes:
    """Return a catalogue as programs read it: what is not right is left out, and shown in English.

    A text with another placeholder could not be filled in.
    """
    file, complete = io.BytesIO(), Words(catalog.language)
    for message in catalog.messages():
        if _mistake(message, catalog) is None:
            complete[message.id] = message
    write_mo(file, complete)
    return file.getvalue()


if __name__ == "__main__":
    sys.exit(main())

"""Texts that harm whatever takes them as they are, harmless twins, and what pages are made of."""

import re
import unicodedata
from collections import Counter
from html.parser import HTMLParser

SCRIPT = "<script>zq()</script>"
PARTS = (
    SCRIPT,
    "\"><img src=x onerror=zq()><a href='javascript:zq()' style='color:red'>",
    "{{ op.owner }}{% load zq %}{# zq #}",
    "</template></textarea></title></pre></li></ol></details>",
    "<div id='op-status' hx-swap-oob='true'>",
    "<!--&#x3c;b onclick=zq()&#x3e;&lt;i&gt;--><![CDATA[",
    "[red]zq[/red][link=javascript:zq()]",
    "\u202egpj.exe\u2066\u2067",
)
CONTROLS = "\x1b[2J\x1b]0;zq\x07\x1b[8m\x9b31m\b\x7f\x00\x0e"
TEXT = " ".join(PARTS)
"""What any column of a database takes."""

MARKUP = " ".join(PARTS[:-1])
"""What sets no direction."""

ALL = f"{TEXT} {CONTROLS}"
LINES = f"{ALL}\r\n{ALL}\r{ALL}\n{SCRIPT}"
LONG = TEXT * 40

_FORCED = {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)?", re.DOTALL)
# Names of files, searches, tokens of forms, ids, and numbers.
_PLACE = re.compile(
    r"(?<=^/typed/).*|(?<=[?&]q=)[^&]*|(?<=^\?operation_type=).*"
    r"|[A-Za-z0-9]{64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+"
)
_TELLING = {"action", "formaction", "href", "id", "name", "src", "target", "type"}


def harmless(text: str) -> str:
    """Return a text of the same length and lines that consists of letters and spaces."""
    return re.sub(r"[^\w\s]|[\x1c-\x1f]", "x", text)


def structure(html: str) -> Counter[tuple[str, tuple[tuple[str, str], ...]]]:
    """Count the elements of a page, by the names of their attributes.

    Of attributes that lead somewhere, or do something, the values count, too; ids and numbers in
    them do not.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[tuple[str, tuple[tuple[str, str], ...]]] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = ((name, value or "") for name, value in attrs)
        shown = (
            (name, _PLACE.sub("*", value) if name in _TELLING or name.startswith("hx-") else "")
            for name, value in told
        )
        self.found[tag, tuple(sorted(shown))] += 1

    def handle_comment(self, data: str) -> None:
        self.found["comment", ()] += 1

    def unknown_decl(self, data: str) -> None:
        self.found["declaration", ()] += 1


def controls(text: str) -> set[str]:
    """Return what a text has of control characters, but line ends and tabs, and of directions."""
    return {
        char
        for char in text
        if char in _FORCED or (unicodedata.category(char) == "Cc" and char not in "\n\t")
    }


def escapes(text: str) -> tuple[set[str], str]:
    """Return the escape sequences of a terminal's output, and the rest of it."""
    return set(_ESCAPE.findall(text)), _ESCAPE.sub("", text)

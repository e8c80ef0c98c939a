"""Frames of the socket, decoded: which region they change, and what it says then."""

import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any, Self

_VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
_LINES = {
    "dd",
    "div",
    "dt",
    "li",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tr",
    "ul",
    "h2",
}
_BLANKS = re.compile(r"\s+")
_SPACES = re.compile(r"[ \t\r\f\v]*\n\s*|[ \t\r\f\v]+")


class Region(str):
    """What a part of the page says: a ``str`` of its visible text.

    Attributes:
        html: the fragment as it was sent.
        mode: how it is swapped in, such as ``"outerHTML"`` or ``"beforeend"``.
    """

    __slots__ = ("html", "mode")
    html: str
    mode: str

    def __new__(cls, text: str, html: str = "", mode: str = "") -> Self:
        """Return a text with its markup."""
        region = super().__new__(cls, text)
        region.html, region.mode = html, mode
        return region


class Frame:
    """One frame, as a page gets it.

    Attributes:
        op: id of the operation, as text; None in an answer to what could not be read.
        seq: its number; 0 where it has none.
        regions: by id (``"op-status"``), what it changes.
        lines: the log lines in it.
        is_snapshot: whether it shows all regions as they are.
        finished: of the last frame of a run, ``state``, ``url`` and ``success_url``; else None.
        chain: of one that leads on to another operation, ``op`` and ``token``; else None.
        error: the code of a refusal, or "".
        data: the frame itself.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data
        self.op: str | None = data.get("op")
        self.seq: int = data.get("seq", 0)
        self.is_snapshot: bool = data.get("snapshot", False)
        self.finished: dict[str, Any] | None = data.get("liveop_finished")
        self.chain: dict[str, Any] | None = data.get("liveop_chain")
        self.error: str = data.get("error", "")
        reader = _Reader(data.get("liveop_html", ""))
        self.regions = reader.found
        self.lines = reader.lines

    @classmethod
    def decode(cls, text: str) -> Self:
        """Return a frame from its text on the wire."""
        return cls(json.loads(text))

    def __str__(self) -> str:
        if self.error:
            return f"error {self.error}: {self.data.get('detail', '')}"
        if self.finished is not None:
            return f"finished {self.finished['state']}"
        if self.chain is not None:
            return f"chain to {self.chain['op']}"
        name = f"snapshot {self.seq}" if self.is_snapshot else f"frame {self.seq}"
        parts = [f"{key}: {' / '.join(text.split(chr(10)))}" for key, text in self.regions.items()]
        return "\n    ".join([name, *(part[:200] for part in parts)])

    def __repr__(self) -> str:
        return f"<Frame {self.seq} {', '.join(self.regions) or self}>"


def _name(selector: str) -> str:
    """Return what a fragment goes into: an id inside the operation's container, as a rule."""
    scope, _, inner = selector.partition(" ")
    return (inner.partition(" ")[0] if scope.startswith("#op-") and inner else selector).lstrip("#")


class _Reader(HTMLParser):
    """Reads fragments, one after the other, and the log lines in them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: dict[str, Region] = {}
        self.lines: list[str] = []
        self._is_line = False
        self._html = html
        self._starts = [0]
        for line in html.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._open: list[str] = []
        self._began = 0
        self._name = self._mode = ""
        self._texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if not self._open:
            self._mode, _, selector = (values.get("hx-swap-oob") or "").partition(":")
            self._name = _name(selector) or values.get("id") or ""
            self._began, self._texts = self._place(), []
        if "data-n" in values:
            self.lines.append("")
        self._is_line = self._is_line or "liveop-text" in (values.get("class") or "").split()
        if tag in _LINES or tag == "br":
            self._texts.append("\n")
        if tag not in _VOID:
            self._open.append(tag)
        elif not self._open:
            self._end(self._place() + len(self.get_starttag_text() or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self._open:
            return
        while self._open.pop() != tag:
            pass
        self._is_line = self._is_line and tag != "span"
        self._texts.append("\n" if tag in _LINES else "")
        if not self._open:
            self._end(self._html.index(">", self._place()) + 1)

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("script", "style"):
            self._texts.append(_BLANKS.sub(" ", data))
        if self._is_line and self.lines and self._open[-1] != "b":  # in bold stands the level
            self.lines[-1] = (self.lines[-1] + data).removeprefix(" ") if data else ""

    def _place(self) -> int:
        line, column = self.getpos()
        return self._starts[line - 1] + column

    def _end(self, end: int) -> None:
        text = _SPACES.sub(lambda m: "\n" if "\n" in m[0] else " ", "".join(self._texts)).strip()
        if self._name == "op-log":
            text = "\n".join(self.lines)
        self.found[self._name] = Region(text, self._html[self._began : end], self._mode)

"""The output of a command as lines: bytes in, text lines out, at the pace of a flood.

Whole chunks go through :meth:`str.split`; only output with escape sequences meets a regular
expression, and only rewritten lines are looked at one by one.
"""

import codecs
import re

from liveops.progress.redaction import NOTHING, Redactor
from liveops.progress.text import LOG_LINE_LIMIT

PARTIAL_SECONDS = 0.5
"""Text without a line break is given once it has not changed for this long."""

REWRITE_SECONDS = 1.0
"""A line that is being rewritten is given at most once in this time."""

# Sequences are removed as a terminal would read them: a control sequence (CSI); a control string
# such as a window title, which ends with its line if nothing else ends it; any other escape. The
# bounds keep small what has to be held back at the end of a chunk.
_CSI = r"\x1b\[[0-?]{0,64}[ -/]{0,4}"
_STRING = r"\x1b[\]PX^_][^\x07\x1b\r\n]*"
_OTHER = r"\x1b[ -/]{0,4}"
_ESCAPE = re.compile(rf"{_CSI}[@-~]|{_STRING}(?:\x07|\x1b\\)?|{_OTHER}[0-~]")
_UNFINISHED = re.compile(rf"(?:{_CSI}|{_STRING}\x1b?|{_OTHER})\Z")


class LineSplitter:
    """Turn chunks of bytes into lines of text, in whatever way the chunks are cut.

    The bytes are read as UTF-8, wrong ones replaced. A line ends with a line feed, alone or after a
    carriage return. A carriage return by itself means that the line is written anew, as progress
    bars do: the last version before the line feed is given, and at most one a second while there
    is no line feed. No line is longer than ``LOG_LINE_LIMIT`` characters; what is longer comes in
    pieces, so that little is kept however much arrives. Escape sequences of terminals are removed;
    other control characters stay.

    What is given in parts, an unfinished line or a long one, is cut so that no part has half of
    what is to be masked; long lines are masked before they are cut, the others by who takes them.

    Every ``now`` is in seconds, of one clock that never goes back.
    """

    def __init__(self, redactor: Redactor = NOTHING) -> None:
        self._redactor = redactor
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._escape = ""  # an escape sequence of which the end has not come yet
        self._return = ""  # a carriage return that may yet be half of a line break
        self._partial = ""  # what came after the last line break or carriage return
        self._rewrite = ""  # the last overwritten version of this line, not given yet
        self._rewriting = False  # there was a carriage return in this line
        self._shown: str | None = None  # what was last given of this line before its end
        self._changed = 0.0
        self._next_rewrite = float("-inf")

    def feed(self, data: bytes, now: float) -> list[str]:
        """Take a chunk and return the lines that can be given now."""
        return self._take(self._decoder.decode(data), now)

    def flush_partial(self, now: float) -> list[str]:
        """Return what waits for its line break for too long: a prompt, dots, a progress bar."""
        due = now >= self._next_rewrite or not (self._rewriting or self._return)
        if due and now - self._changed >= PARTIAL_SECONDS and self._partial.strip():
            end = len(self._partial) - self._redactor.unfinished(self._partial)
            if end == 0:
                return self._rewritten(now)
            given, self._partial, self._rewrite = self._partial[:end], self._partial[end:], ""
            return self._show(given, now)
        return self._rewritten(now)

    def close(self) -> list[str]:
        """Return the rest, a last line without its line break included."""
        lines = self._take(self._decoder.decode(b"", final=True), self._changed)
        rest = self._partial
        if self._rewrite and not rest.strip():
            rest = self._rewrite
        if rest and not self._repeats(rest):
            lines.extend(self._pieces([rest]))
        self._escape = self._return = ""
        self._start_line()
        return lines

    def _take(self, text: str, now: float) -> list[str]:
        if "\x1b" in text or self._escape:
            text = self._without_escapes(self._escape + text)
        if not text:
            return []
        self._changed = now
        text = self._return + text
        self._return = ""
        if "\r" in text:
            if text.endswith("\r"):
                self._return = "\r"
            text = text.removesuffix("\r").replace("\r\n", "\n")
        head, line_break, tail = text.rpartition("\n")
        lines = self._complete(head) if line_break else []
        if "\r" in tail:
            done, _, tail = (self._partial + tail).rpartition("\r")
            self._rewrite = _last_version(done) or self._rewrite
            self._partial = ""
            self._rewriting = True
        self._partial += tail
        if len(self._partial) > LOG_LINE_LIMIT:
            lines += self._overflow()
        return lines + self._rewritten(now)

    def _overflow(self) -> list[str]:
        """Return what can be given of a long line that has not ended yet."""
        redactor = self._redactor
        if not redactor.is_active:
            *pieces, self._partial = _pieces([self._partial])
        else:
            end = redactor.safe_end(self._partial)
            if end < LOG_LINE_LIMIT:
                return []
            pieces = _pieces([redactor.mask(self._partial[:end])])
            self._partial = self._partial[end:]
        self._shown = pieces[-1]
        return pieces

    def _complete(self, head: str) -> list[str]:
        """Return whole lines: what was kept and ``head``, which ends before a line feed."""
        text = self._partial + head
        lines = text.split("\n")
        if "\r" in head:
            self._rewriting = self._rewriting or "\r" in lines[0]
            lines = [_last_version(line) if "\r" in line else line for line in lines]
        if self._rewriting and not lines[0].strip():
            lines[0] = self._rewrite
        if self._repeats(lines[0]):
            del lines[0]
        self._start_line()
        return self._pieces(lines) if _has_long_line(text) else lines

    def _start_line(self) -> None:
        self._partial = self._rewrite = ""
        self._rewriting = False
        self._shown = None

    def _repeats(self, line: str) -> bool:
        """Whether a line that has come to its end says nothing but what was given of it before."""
        if self._shown is None:
            return False
        return line.strip() in ("", self._shown.strip()) if self._rewriting else not line

    def _rewritten(self, now: float) -> list[str]:
        """Return the overwritten version that waits, unless one was given a moment ago."""
        if not self._rewrite or now < self._next_rewrite:
            return []
        given, self._rewrite = self._rewrite, ""
        return self._show(given, now)

    def _show(self, text: str, now: float) -> list[str]:
        if self._rewriting or self._return:
            if text == self._shown:
                return []
            self._next_rewrite = now + REWRITE_SECONDS
        self._shown = text
        return self._pieces([text])

    def _pieces(self, lines: list[str]) -> list[str]:
        mask = self._redactor.mask
        return _pieces([mask(line) if len(line) > LOG_LINE_LIMIT else line for line in lines])

    def _without_escapes(self, text: str) -> str:
        """Remove escape sequences; hold back one at the end that may go on in the next chunk."""
        self._escape = ""
        unfinished = _UNFINISHED.search(text)
        if unfinished is not None:
            self._escape = unfinished.group()
            text = text[: unfinished.start()]
            if self._escape[1:2] in set("]PX^_"):  # of a string only its ends are of use
                self._escape = self._escape[:2] + "\x1b" * self._escape.endswith("\x1b")
        return _ESCAPE.sub("", text)


def _last_version(text: str) -> str:
    """Return the last of the versions between carriage returns that shows anything."""
    seen = len(text.rstrip())
    end = text.find("\r", seen)
    return text[text.rfind("\r", 0, seen) + 1 : end if end >= 0 else None] if seen else ""


def _has_long_line(text: str) -> bool:
    """Whether a line is longer than the limit, found out without looking at every line."""
    start = 0
    while len(text) - start > LOG_LINE_LIMIT:
        start = text.rfind("\n", start, start + LOG_LINE_LIMIT + 1) + 1
        if not start:
            return True
    return False


def _pieces(lines: list[str]) -> list[str]:
    """Return the lines, those that are too long in pieces."""
    pieces: list[str] = []
    for line in lines:
        if len(line) <= LOG_LINE_LIMIT:
            pieces.append(line)
        else:
            starts = range(0, len(line), LOG_LINE_LIMIT)
            pieces.extend(line[start : start + LOG_LINE_LIMIT] for start in starts)
    return pieces

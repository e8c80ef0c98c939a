"""A small terminal: what a program writes becomes the rows that a person sees.

It knows what programs use that redraw a few lines in place: line feed, carriage return, backspace,
tab, the cursor's moves, erasing of lines and screens, wrapping at the right edge. Colours and modes
change no row. Anything else is an error, so that no test compares half-understood output.
"""

import re
import unicodedata

_TOKEN = re.compile(
    r"\x1b\[(?P<arguments>[0-9;?]*)(?P<final>[A-Za-z])"
    r"|\x1b\](?P<string>[^\x07\x1b]*)(?:\x07|\x1b\\)"
    r"|(?P<control>[\x00-\x1f\x7f])"
    r"|(?P<text>[^\x00-\x1f\x7f]+)"
)
_NO_ROW = "mhl"  # colours, and modes such as a hidden cursor
_TAB = 8


class Screen:
    """Rows of characters as a terminal of some width shows them, also those scrolled away.

    Args:
        columns: the width; a longer line goes on in the next row.
    """

    def __init__(self, columns: int = 80) -> None:
        self._columns = columns
        self._rows: list[list[str]] = [[]]
        self._row = 0
        self._column = 0
        self._unfinished = ""

    def feed(self, text: str) -> None:
        """Take what a program writes, cut anywhere."""
        text = self._unfinished + text
        position = 0
        while match := _TOKEN.match(text, position):
            position = match.end()
            if match["text"]:
                self._write(match["text"])
            elif match["control"] == "\x1b":
                break  # the rest of it has not come yet
            elif match["control"]:
                self._control(match["control"])
            elif match["final"]:
                self._sequence(match["arguments"], match["final"])
        else:
            self._unfinished = ""
            return
        self._unfinished = text[match.start() :]
        if len(self._unfinished) > 100:
            raise ValueError(f"This terminal does not know {self._unfinished[:20]!r}.")

    @property
    def text(self) -> str:
        """The rows, without spaces at their ends, and without empty rows at the end."""
        rows = ("".join(row).rstrip() for row in self._rows)
        return "\n".join(rows).rstrip("\n") + "\n"

    def _write(self, text: str) -> None:
        for character in text:
            width = 2 if unicodedata.east_asian_width(character) in "WF" else 1
            if self._column + width > self._columns:
                self._line_feed()
                self._column = 0
            row = self._rows[self._row]
            row.extend(" " * (self._column + width - len(row)))
            row[self._column : self._column + width] = [character, *[""] * (width - 1)]
            self._column += width

    def _control(self, character: str) -> None:
        if character == "\n":
            self._line_feed()
        elif character == "\r":
            self._column = 0
        elif character == "\b":
            self._column = max(self._column - 1, 0)
        elif character == "\t":
            self._column = min((self._column // _TAB + 1) * _TAB, self._columns - 1)
        elif character != "\x07":
            raise ValueError(f"This terminal does not know {character!r}.")

    def _line_feed(self) -> None:
        self._row += 1
        if self._row == len(self._rows):
            self._rows.append([])

    def _sequence(self, arguments: str, final: str) -> None:
        number = int(arguments) if arguments.isdecimal() else None
        row = self._rows[self._row]
        match final:
            case "A":
                self._row = max(self._row - (number or 1), 0)
            case "B":
                for _ in range(number or 1):
                    self._line_feed()
            case "C":
                self._column = min(self._column + (number or 1), self._columns - 1)
            case "D":
                self._column = max(self._column - (number or 1), 0)
            case "G":
                self._column = min((number or 1) - 1, self._columns - 1)
            case "K" if not number:
                del row[self._column :]
            case "K":
                kept = row[self._column + 1 :] if number == 1 else []
                row[:] = [" "] * (self._column + 1) + kept if kept else []
            case "J" if not number:
                del row[self._column :]
                del self._rows[self._row + 1 :]
            case _ if final not in _NO_ROW:
                raise ValueError(f"This terminal does not know ESC [ {arguments} {final}.")

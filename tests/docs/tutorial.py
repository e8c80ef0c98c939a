"""The tutorial as steps: what its reader types into a terminal, and writes into files, in order."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.docs.pages import DOCS, Command, commands

PAGES = ("tutorial/first-operation.md", "tutorial/retry-and-chain.md")

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
_HEAD = re.compile(r" *# ([\w/]+\.py)(?:: (.+))?\n")
_INSTEAD = "in place of "
_LAST_LINE = "the last line of "


@dataclass(frozen=True)
class Edit:
    """A block with a file, or with a part of one.

    Attributes:
        path: of the file.
        where: where in the file, in the page's words; empty for all of it.
        text: what is written there.
    """

    path: str
    where: str
    text: str

    def apply(self, folder: Path) -> None:
        """Write it into the project in a folder."""
        file = folder / self.path
        file.write_text(self.written(file.read_text("utf-8")), encoding="utf-8")

    def written(self, before: str) -> str:
        """Return the new text of the file, which has to exist already.

        Raises:
            ValueError: the page's words are none of those that are understood.
        """
        if not self.where:
            return self.text
        if self.where == "at the end":
            return f"{before.rstrip()}\n\n\n{self.text}"
        if not self.where.startswith(_INSTEAD):
            raise ValueError(f"{self.path}: {self.where}?")
        name = self.where.removeprefix(_INSTEAD)
        first, last = _lines(before, name.removeprefix(_LAST_LINE))
        lines = before.splitlines(keepends=True)
        start = last - 1 if name.startswith(_LAST_LINE) else first - 1
        return "".join([*lines[:start], self.text, *lines[last:]])


def _lines(text: str, name: str) -> tuple[int, int]:
    """Return first and last line, from 1 on, of a class, or of an assignment, at the top."""
    for node in ast.parse(text).body:
        match node:
            case ast.ClassDef(name=found) | ast.Assign(targets=[ast.Name(id=found)]):
                if found == name:
                    assert node.end_lineno is not None
                    return node.lineno, node.end_lineno
    raise ValueError(f"There is no {name}.")


@dataclass(frozen=True)
class Section:
    """What stands below a heading.

    Attributes:
        title: the heading.
        steps: edits and commands in their order.
    """

    title: str
    steps: tuple[Edit | Command, ...]


def sections(page: str) -> list[Section]:
    """Return what a page has its reader do."""
    text = (DOCS / page).read_text(encoding="utf-8")
    _, *parts = re.split(r"^## ", text, flags=re.M)
    return [Section(part.partition("\n")[0], tuple(_steps(part))) for part in parts]


def _steps(text: str) -> Iterator[Edit | Command]:
    for language, body in _BLOCK.findall(text):
        if language == "console":
            yield from commands(body.splitlines())
        else:
            head = _HEAD.match(body)
            assert head is not None, f"A block does not say what it is: {body[:60]!r}"
            yield Edit(head[1], head[2] or "", body[head.end() :])

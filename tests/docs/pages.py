"""The pages under ``docs/``: their files, and what they show of a terminal."""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = ("../README.md", "../CONTRIBUTING.md")
"""The pages that stand elsewhere."""

_FENCE = re.compile(r"^ *(`{3,}|~{3,})(.*)$")
_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.M | re.S)
_FILE = re.compile(r"# ([\w/]+\.py)\n")
_HEAD = re.compile(r"(?:#|//|\{#|/\*) ([\w/.-]+\.\w+)(?: #\}| \*/)?\n")
_PROMPT = "$ "


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, whatever it is.

    Attributes:
        page: as its path below ``docs/``.
        language: what stands behind the fence; empty if nothing does.
        text: without the indentation of a list that it stands in.
    """

    page: str
    language: str
    text: str

    @property
    def head(self) -> str:
        """Language and first line, by which a block is told from the others of its page."""
        return f"{self.language} {self.text.partition(chr(10))[0]}"


@dataclass(frozen=True)
class Command:
    """A command that a page shows, and what it says that it prints."""

    line: str
    printed: tuple[str, ...]


def every_page() -> list[str]:
    """Return all pages, as paths below ``docs/``."""
    return [*PAGES, *sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))]


def every_block(page: str) -> list[Block]:
    """Return all fenced blocks of a page, in their order."""
    found, opened, lines = [], None, list[str]()
    for line in (DOCS / page).read_text(encoding="utf-8").splitlines():
        fence = _FENCE.match(line)
        if opened is None:
            opened, lines = fence, []
        elif fence and fence[1] == opened[1] and not fence[2].strip():
            text = textwrap.dedent("".join(f"{each}\n" for each in lines))
            found.append(Block(page, opened[2].strip(), text))
            opened = None
        else:
            lines.append(line)
    assert opened is None, f"{page}: a block is not closed."
    return found


def block(page: str, head: str) -> str:
    """Return the one block of a page whose language and first line begin so."""
    (found,) = those(page, head)
    return found


def those(page: str, head: str) -> list[str]:
    """Return the blocks of a page whose language and first line begin so."""
    return [each.text for each in every_block(page) if each.head.startswith(head)]


def blocks(page: str, language: str) -> list[str]:
    """Return the fenced blocks of a page that are written in a language, in their order."""
    found = _BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))
    return [textwrap.dedent(text) for _, name, text in found if name == language]


def files(page: str) -> dict[str, str]:
    """Return the files of a page: the python blocks whose first line is a comment with a path.

    Blocks with the same path are parts of one file.
    """
    found: dict[str, str] = {}
    for text in blocks(page, "python"):
        if named := _FILE.match(text):
            path = named[1]
            found[path] = f"{found[path]}\n\n{text}" if path in found else text
    return found


def named(texts: list[str]) -> dict[str, str]:
    """Return the blocks whose first line is a comment with a path, of whatever language, by it."""
    found = {}
    for text in texts:
        if head := _HEAD.match(text):
            found[head[1]] = text[head.end() :]
    return found


def sessions(page: str) -> list[tuple[Command, ...]]:
    """Return the commands of each console block of a page."""
    return [tuple(commands(text.splitlines())) for text in blocks(page, "console")]


def commands(lines: list[str]) -> Iterator[Command]:
    """Yield the commands of a block.

    Output may have lines that look like commands, since an operation logs those that it runs. So a
    line with a prompt is one only at the top, below another one, or below an empty line.
    """
    assert lines[0].startswith(_PROMPT), f"A console block begins with a prompt, not {lines[0]!r}."
    line, printed = "", list[str]()
    for text in lines:
        if line.endswith("\\"):  # the command goes on in this line
            line += f"\n{text}"
        elif text.startswith(_PROMPT) and not (printed and printed[-1]):
            if line:
                yield Command(line, tuple(printed[:-1]))
            line, printed = text.removeprefix(_PROMPT), []
        else:
            printed.append(text)
    yield Command(line, tuple(printed))


def all_files(pages: list[str]) -> dict[str, str]:
    """Return the files of several pages; models and settings may be spread over them."""
    found: dict[str, str] = {}
    for page in pages:
        for path, text in files(page).items():
            shared = path.endswith(("models.py", "settings.py"))
            assert shared or path not in found, f"{path} is in two pages."
            found[path] = f"{found[path]}\n\n{text}" if path in found else text
    return found


def parameters(pages: list[str]) -> list[tuple[str, int]]:
    """Return page and number of each console block of some pages."""
    return [(page, number) for page in pages for number in range(len(sessions(page)))]

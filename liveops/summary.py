"""The closing summary of what ran in a terminal: a title, sections, and a table of durations."""

import errno
from collections.abc import Iterable, Mapping
from typing import TextIO

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.rule import Rule
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

INDENT = 4
"""By how many spaces details stand to the right of their heading."""


class TextConsole(Console):
    """A console that prints text as it is, and leaves it to its caller what an error means.

    One of rich would end the process when nobody reads its output any more.

    Args:
        stream: where to write.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(file=stream, highlight=False, markup=False, emoji=False)

    def on_broken_pipe(self) -> None:
        """Raise the error again.

        Raises:
            BrokenPipeError: always.
        """
        raise  # noqa: PLE0704  (rich calls this where it has caught the error)

    def write_lines(self, text: str, indent: int) -> None:
        """Write lines to what is no terminal: nothing has to be laid out, so it takes no time.

        Args:
            text: any text.
            indent: by how many spaces.
        """
        before = " " * indent
        lines = _carried(self, text).split("\n")
        self.file.write("".join(f"{before}{line}\n" if line else "\n" for line in lines))
        self.file.flush()

    def forget(self) -> None:
        """Drop what could not be written; it would be written together with what follows."""
        quiet, self.quiet = self.quiet, True
        self.print()
        self.quiet = quiet


def is_gone(error: OSError) -> bool:
    """Return whether an error stays: nobody reads the pipe, or the terminal was closed."""
    return isinstance(error, BrokenPipeError) or error.errno in (errno.EPIPE, errno.EIO)


def print_summary(
    console: Console, title: str, sections: Mapping[str, RenderableType | str]
) -> None:
    """Print a title, every section's heading with its details indented, and a closing rule.

    Lines of text are never broken, so that a command can be copied, and brackets in them mean
    nothing. What the stream's encoding cannot carry is shown as an escape such as ``\\xe4``, in a
    table as a question mark.

    Args:
        console: where to print; in a pipe a rule is only as long as the title.
        title: what is summed up.
        sections: details by heading: a string, plain text whatever is in it, or anything else that
            rich can print.
    """
    _rule(console, title, "")
    for heading, details in sections.items():
        console.print()
        print_lines(console, Text(f"{heading}:", style="bold"))
        if isinstance(details, str | Text):
            print_lines(console, Text(details) if isinstance(details, str) else details, INDENT)
        else:
            console.print(Carried(Padding(details, (0, 0, 0, INDENT), expand=False)))
    console.print()
    _rule(console, "", title)


def timing_table(
    rows: Iterable[tuple[str, object]],
    total: object,
    *,
    labels: tuple[str, str, str] = ("Stage", "Duration", "Total"),
) -> Table:
    """Return a table of durations with their total below.

    Args:
        rows: name and duration of each stage, in order; a duration is shown as ``str`` has it.
        total: the duration of the whole.
        labels: headings of the two columns, and what the total is called.
    """
    names, durations, whole = labels
    table = Table(box=box.SIMPLE, show_edge=False, show_footer=True, pad_edge=False)
    table.add_column(Text(names), Text(whole), overflow="fold")
    table.add_column(Text(durations), Text(str(total)), justify="right", overflow="fold")
    for name, duration in rows:
        table.add_row(Text(name), Text(str(duration)))
    return table


def print_lines(console: Console, text: Text, indent: int = 0) -> None:
    """Print text as it is, each of its lines indented, none of them broken.

    Args:
        console: where to print.
        text: any text.
        indent: by how many spaces.
    """
    if isinstance(console, TextConsole) and not (console.is_terminal or console.quiet):
        console.write_lines(text.plain, indent)
        return
    for line in encodable(console, text).split("\n"):
        # Blank lines get no indentation: spaces at the end of a line help nobody.
        shown = Text(" " * indent).append_text(line) if line.plain else line
        console.print(shown, soft_wrap=True)


def encodable(console: Console, text: Text) -> Text:
    """Return a text that the console's stream can carry, with escapes for what it cannot."""
    carried = _carried(console, text.plain)
    return text if carried == text.plain else Text(carried, style=text.style)


def _carried(console: Console, text: str) -> str:
    return text.encode(console.encoding, "backslashreplace").decode(console.encoding)


class Carried:
    """Print something with a question mark for every character that the stream cannot carry."""

    def __init__(self, inner: RenderableType) -> None:
        self._inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for text, style, control in console.render(self._inner, options):
            carried = text.encode(console.encoding, "replace").decode(console.encoding)
            yield Segment(carried, style, control)


def _rule(console: Console, title: str, other: str) -> None:
    """Print a rule; in a pipe one that is as long as it is with the title or the other one."""
    shown = encodable(console, Text(title))
    dash = "-" if console.options.ascii_only else "─"
    if console.is_terminal:
        # Of a rule without a title rich takes the characters as they are, whatever the encoding.
        console.print(Carried(Rule(shown, characters=dash)))
        return
    if title:
        print_lines(console, Text(f"{dash * 3} ").append_text(shown).append(f" {dash * 3}"))
    else:
        print_lines(console, Text(dash * (encodable(console, Text(other)).cell_len + 8)))

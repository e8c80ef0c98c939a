"""What a script prints: headings and messages, with markup in them or with mere brackets."""

import io
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from rich.text import Text

from liveops.scripts import StagedScript
from liveops.scripts.markup import Plain, styled
from liveops.summary import TextConsole, print_summary, timing_table
from tests.unit.test_script_stages import Traced


class LatinTerminal(io.TextIOWrapper):
    """A terminal of another age."""

    def __init__(self, encoding: str) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, newline="\n")

    def isatty(self) -> bool:
        """Say so."""
        return True


class Latin(io.TextIOWrapper):
    """A stream that carries ASCII only."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="ascii", newline="\n")

    @property
    def text(self) -> str:
        """What was written."""
        self.flush()
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode("ascii")


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), force_terminal=False, width=60)


@pytest.mark.parametrize(
    ("message", "plain"),
    [
        ("[bold]done[/] [red]or not[/red]", "done or not"),
        ("[link=https://example.org]here[/link]", "here"),
        (r"\[bold]", "[bold]"),
        ("", ""),
        ("[bold]", ""),
        ("ls [a-z]*", "ls [a-z]*"),
        ("[bold]ls [a-z]*", "[bold]ls [a-z]*"),
        ("no [/] opening", "no [/] opening"),
        ("[red]x[/blue]", "[red]x[/blue]"),
        ("[@click=(]x", "[@click=(]x"),
        ("a[0] = [1, 2] []", "a[0] = [1, 2] []"),
        (7, "7"),
        (Plain("[bold]x[/] :smile:"), "[bold]x[/] :smile:"),
    ],
)
def test_markup_counts_where_all_of_it_is_right(
    message: object, plain: str, console: Console
) -> None:
    text = styled(console, message, "yellow")
    assert text.plain == plain
    assert text.style == "yellow"


def test_markup_has_its_styles(console: Console) -> None:
    assert styled(console, "[bold]x[/]y") == Text.from_markup("[bold]x[/]y")
    assert styled(console, "[bold]x[/]y").spans


@pytest.mark.parametrize("terminal", [False, True])
def test_a_heading_is_framed(terminal: bool) -> None:
    script = Traced()
    script.console = Console(
        file=io.StringIO(), force_terminal=terminal, width=70, color_system=None, log_path=False
    )
    script.print_heading("[red]Step[/] one [a]", color="green")
    lines = script.console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert len(lines) == 3
    assert "│ [red]Step[/] one [a]" in lines[1]
    assert (len(lines[1].rstrip()) == 70) is terminal
    script.print_heading("[red]Step[/] two")
    assert "│ Step two" in script.printed


def test_a_heading_has_its_colour() -> None:
    script = Traced()
    script.console = Console(
        file=io.StringIO(), force_terminal=True, color_system="standard", no_color=False
    )
    script.print_heading("one")
    script.print_heading("two", color="red")
    shown = script.console.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b[36m" in shown
    assert "\x1b[31m" in shown


@pytest.mark.parametrize("indent", [0, 6])
def test_a_dry_run_message_is_indented_and_never_broken(indent: int, console: Console) -> None:
    script = Traced()
    script.console = console
    long = "word " * 40 + "[a-z]"
    script.print_dry_run_message(f"{long}\nand more", indent=indent)
    assert console.file.getvalue() == (  # type: ignore[attr-defined]
        f"{' ' * indent}DRY-RUN MODE: {long}\n{' ' * indent}and more\n"
    )


@pytest.mark.parametrize("message", ["Größe ☃", "[bold]Größe[/] ☃"])
def test_a_stream_without_unicode_gets_escapes(
    message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Under a locale without Unicode such a command could not even be started.
    fake = SimpleNamespace(run=lambda *args, **kwargs: None)
    monkeypatch.setattr("liveops.scripts.script.subprocess", fake)
    stream = Latin()
    script = Traced()
    script.console = Console(file=stream, force_terminal=False, log_path=False, width=80)
    script.print_heading(message)
    script.print_dry_run_message(message)
    script.run("true Größe", shell=True)
    script.print_script_execution_summary({"Größe": "☃", "Mehr": message})
    assert r"| Gr\xf6\xdfe \u2603 |" in stream.text
    assert r"DRY-RUN MODE: Gr\xf6\xdfe \u2603" in stream.text
    assert r"Executing: true Gr\xf6\xdfe" in stream.text
    assert "Gr\\xf6\\xdfe:\n    \\u2603\n" in stream.text


def test_a_lone_surrogate_is_shown_as_an_escape(console: Console) -> None:
    script = Traced()
    script.console = console
    script.print_heading("caf\udce9")
    script.commands_executed.append("cat caf\udce9")
    script.print_script_execution_summary()
    assert r"    cat caf\udce9" in console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize("log_path", [True, False])
def test_whether_log_lines_say_where_they_come_from(
    log_path: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    class Logging(StagedScript):
        @StagedScript.stage("one", "First")
        def first(self) -> None:
            self.console.log("here")

    script: Any = Logging({"one"}, console_log_path=log_path, console_force_terminal=False)
    script.stages_to_run = {"one"}
    script.first()
    assert (".py:" in capsys.readouterr().out) is log_path


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_summary_fits_any_terminal(encoding: str) -> None:
    stream = LatinTerminal(encoding)
    table = timing_table([("Zählen →", "0:01")], "0:01")
    print_summary(TextConsole(stream), "Summary of 数え方 " * 20, {"Times": table, "End": "●"})
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    printed = Text.from_ansi(stream.buffer.getvalue().decode(encoding)).plain
    first, *_, last = printed.splitlines()
    assert first.startswith("- Summary of ")
    assert set(last) == {"-"}

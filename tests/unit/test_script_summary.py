"""The closing summary: on a terminal, in a pipe, and of a script."""

import errno
import io
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from rich.console import Console
from rich.table import Table
from rich.text import Text

from liveops.scripts import StagedScript, StageDuration
from liveops.summary import TextConsole, print_lines, print_summary, timing_table
from tests.unit.helpers import hostile_text
from tests.unit.test_script_printing import Latin

ROWS = [("build", timedelta(seconds=61)), ("test [a-z]", timedelta(seconds=2.5))]


def printed(sections: dict[str, Any], *, title: str = "deploy", **options: Any) -> str:
    """Return a summary as a console prints it."""
    stream = io.StringIO()
    console = Console(**{"file": stream, "force_terminal": False, "width": 40, **options})
    print_summary(console, title, sections)
    return stream.getvalue()


def test_a_summary_in_a_pipe() -> None:
    shown = printed(
        {
            "Commands": "first \\\n    --colour red\n" + "long " * 20 + "[bold]x[/red]",
            "Empty": "",
            "Time [s]": timing_table(ROWS, timedelta(seconds=64)),
            "Result": Text("Success", style="bold green"),
        }
    )
    assert shown == (
        "─── deploy ───\n"
        "\n"
        "Commands:\n"
        "    first \\\n"
        "        --colour red\n"
        f"    {'long ' * 20}[bold]x[/red]\n"
        "\n"
        "Empty:\n"
        "\n"
        "\n"
        "Time [s]:\n"
        "    Stage              Duration\n"
        "    ───────────────────────────\n"
        "    build               0:01:01\n"
        "    test [a-z]   0:00:02.500000\n"
        "    ───────────────────────────\n"
        "    Total               0:01:04\n"
        "\n"
        "Result:\n"
        "    Success\n"
        "\n"
        "──────────────\n"
    )


def test_a_summary_on_a_terminal() -> None:
    shown = printed(
        {"Result": Text("Success", style="green")},
        force_terminal=True,
        color_system="standard",
        no_color=False,
        legacy_windows=False,
    )
    plain = Text.from_ansi(shown).plain.splitlines()
    assert plain == [f"{'─' * 16} deploy {'─' * 16}", "", "Result:", "    Success", "", "─" * 40]
    assert "\x1b[1mResult:" in shown
    assert "\x1b[32mSuccess" in shown


def test_a_stream_without_unicode() -> None:
    stream = Latin()
    sections: dict[str, Any] = {"Größe": "☃", "Time": timing_table([("ä", 1)], 2)}
    print_summary(Console(file=stream, force_terminal=False, width=60), "Größe", sections)
    lines = stream.text.splitlines()
    assert lines[0] == r"--- Gr\xf6\xdfe ---"
    assert lines[-1] == "-" * len(lines[0])
    assert r"Gr\xf6\xdfe:" in lines
    assert r"    \u2603" in lines
    assert "    ?     |        1" in lines


def test_other_words_for_the_table() -> None:
    table = timing_table([("bauen", "1 min")], "2 min", labels=("Stufe", "Dauer", "Summe"))
    shown = printed({"Zeiten": table}).split()
    assert [word for word in shown if "─" not in word][2:] == [
        *("Stufe", "Dauer", "bauen", "1", "min", "Summe", "2", "min"),
    ]


def test_a_table_without_rows_has_a_total() -> None:
    assert "Total" in printed({"Time": timing_table([], 0)})


@given(hostile_text)
def test_any_text_can_be_summed_up(text: str) -> None:
    shown = printed({text: text, "Table": timing_table([(text, text)], text)}, title=text)
    assert shown.startswith("───")


class Failing(io.StringIO):
    """A stream that takes nothing while it has an error."""

    error: OSError | None = None

    def write(self, text: str) -> int:
        """Fail, or take the text."""
        if self.error is not None:
            raise self.error
        return super().write(text)


@pytest.mark.parametrize("code", [errno.EPIPE, errno.EIO, errno.ENOSPC])
def test_a_stream_that_fails_neither_ends_the_process_nor_gets_a_text_late(code: int) -> None:
    stream = Failing()
    console = TextConsole(stream)
    stream.error = OSError(code, "no")
    for _ in range(2):
        with pytest.raises(OSError, match="no") as raised:
            console.print("lost")
        assert raised.value.errno == code
        console.forget()
    stream.error = None
    console.print("[b]kept[/b] :smile:")
    assert stream.getvalue() == "[b]kept[/b] :smile:\n"


def test_lines_without_text_have_no_blanks() -> None:
    stream = io.StringIO()
    print_lines(Console(file=stream, force_terminal=False), Text("a\n\nb"), 2)
    assert stream.getvalue() == "  a\n\n  b\n"


class Script(StagedScript):
    """A script that has run something."""

    def __init__(self, *, success: bool = True) -> None:
        super().__init__({"build"}, console_force_terminal=False)
        self.parser.prog = "deploy.py"
        self.script_name = "deploy.py"
        self.parse_args(["--stage", "build"])
        self.durations = [StageDuration(*row) for row in ROWS]
        self.commands_executed = ["make all", "make [a-z]*"]
        self.script_success = success

    def summary(self, *args: Any) -> str:
        """Return what the summary prints."""
        stream = io.StringIO()
        self.console = Console(file=stream, force_terminal=False)
        self.print_script_execution_summary(*args)
        return stream.getvalue()


@pytest.mark.parametrize(("success", "word"), [(True, "Success"), (False, "Failure")])
def test_the_summary_of_a_script(success: bool, word: str) -> None:
    shown = Script(success=success).summary()
    headings = [line for line in shown.splitlines() if line.endswith(":")]
    assert headings == [
        "Ran the following:",
        "Commands executed:",
        "Timing results:",
        "Script result:",
    ]
    assert "─── deploy.py" in shown
    assert "    deploy.py \\\n        --stage build \\\n" in shown
    assert "    make all\n    make [a-z]*\n" in shown
    assert "0:01:01" in shown
    assert "Total" in shown
    assert f"Script result:\n    {word}\n" in shown


def test_sections_are_added_and_replaced() -> None:
    table = Table("Host")
    table.add_row("example.org")
    shown = Script().summary(
        {
            "Script result": "[bold]Hm[/], see [a-z]",
            "Logs": "[bold]Here[/]",
            "Hosts": table,
            "Number": 7,
        }
    )
    assert "Script result:\n    [bold]Hm[/], see [a-z]\n" in shown
    assert "Logs:\n    Here\n" in shown
    assert "example.org" in shown
    assert "Number:\n    7\n" in shown
    assert "Success" not in shown
    assert shown.index("Script result:") < shown.index("Logs:") < shown.index("Hosts:")


def test_a_subclass_adds_a_section_each_time() -> None:
    class Own(Script):
        def print_script_execution_summary(
            self, extra_sections: dict[str, str] | None = None
        ) -> None:
            extras = {"Mine": "always"} | (extra_sections or {})
            super().print_script_execution_summary(extra_sections=extras)

    shown = Own().summary({"Yours": "today"})
    assert "Mine:\n    always\n" in shown
    assert "Yours:\n    today\n" in shown


def test_a_script_that_did_nothing_has_a_summary() -> None:
    stream = io.StringIO()
    script = StagedScript(set())
    script.console = Console(file=stream, force_terminal=False)
    script.print_script_execution_summary()
    assert "Commands executed:\n    none\n" in stream.getvalue()

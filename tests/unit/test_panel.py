"""What stands below the lines on a terminal, drawn to a text."""

import io
from datetime import UTC, datetime

from rich.console import Console

from liveops.models import LiveOperation
from liveops.progress.view import View
from liveops.states import State
from liveops.terminal.looks import Look
from liveops.terminal.panel import Panel

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def look(state: State) -> Look:
    """Return an operation as it is stored in a state."""
    return Look(LiveOperation(state=state, started_on=NOW), View(state=state), 0)


def test_at_the_end_nothing_is_drawn_that_is_not_so() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=80)
    panel = Panel(console, ["Load"], NOW.timestamp)
    panel.draw(look(State.STARTED))
    panel.draw(look(State.FINISHED_OK))
    assert "Load" in stream.getvalue()
    assert "0:00 elapsed" in stream.getvalue()
    assert "resumed" not in stream.getvalue()


def test_one_that_goes_on_by_itself_is_still_drawn() -> None:
    stream = io.StringIO()
    panel = Panel(Console(file=stream, force_terminal=True, width=80), ["Load"])
    interrupted = look(State.INTERRUPTED)
    interrupted.row.resumes_left = 1
    panel.draw(look(State.STARTED))
    panel.draw(interrupted)
    panel.close()
    assert "Interrupted; it is going to be resumed by itself" in stream.getvalue()

"""What stands below the lines on a terminal: the stages with their times, and the bar."""

import time
from collections.abc import Callable, Mapping, Sequence

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from liveops.progress.forecast import forecast, not_selected
from liveops.progress.text import clean, format_duration, format_percent, format_took, format_usual
from liveops.progress.view import View
from liveops.sinks.text import progress_text
from liveops.stages import StageState
from liveops.states import State
from liveops.summary import Carried
from liveops.terminal.looks import Look

_MOST_ROWS = 8
_MARGIN = 3  # for the ^C that a terminal shows: a line that wraps could not be taken back
_SHORTEST_BAR, _LONGEST_BAR = 8, 40
_SIGNS: Mapping[str | None, tuple[str, str, str]] = {
    None: ("○", ".", "dim"),
    StageState.ACTIVE: ("●", ">", "bold"),
    StageState.RETRYING: ("↻", "~", "yellow"),
    StageState.DONE: ("✓", "+", "green"),
    StageState.SKIPPED: ("–", "-", "dim"),
    StageState.FAILED: ("✗", "x", "bold red"),
    StageState.CANCELLED: ("■", "#", "yellow"),
    StageState.INTERRUPTED: ("■", "#", "yellow"),
}
"""A sign, one for terminals that only know ASCII, and a style, for each state of a stage."""


class Panel:
    """The stages, the bar of the one at work, and what is left of the whole, redrawn in place.

    Args:
        console: where to draw.
        stages: names of the operation's stages, in their order.
        clock: seconds since the epoch.
    """

    def __init__(
        self, console: Console, stages: Sequence[str], clock: Callable[[], float] = time.time
    ) -> None:
        self._console = console
        self._stages = stages
        self._clock = clock
        self._look: Look | None = None
        self._has_bar = False
        ascii_only = console.options.ascii_only
        self._sign = 1 if ascii_only else 0
        self._spinner = Spinner("line" if ascii_only else "dots")
        self._live: Live | None = None

    def show(self, view: View) -> None:
        """Have a bar for the progress of the stage at work."""
        self._has_bar = True

    def reset(self) -> None:
        """Have no bar until there is progress again."""
        self._has_bar = False

    def draw(self, look: Look) -> None:
        """Draw an operation as it is now; times go on by themselves."""
        if look.state.is_final and not look.goes_on_by_itself:
            self.close()  # which draws the look before once more
            return
        self._look = look
        if self._live is None:
            self._live = Live(console=self._console, get_renderable=self._drawn, transient=True)
            self._live.start()
        else:
            self._live.refresh()

    def close(self) -> None:
        """Take it all away."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _drawn(self) -> RenderableType:
        look = self._look
        if look is None:
            return Text()
        parts: list[RenderableType] = [self._rows(look)] if self._stages else []
        if look.state is State.STARTED:
            has_bar = self._has_bar and look.has_progress_of(self._stages)
            parts += self._bar(look.view) if has_bar else ()
            parts.append(self._whole(look, has_bar=has_bar))
        elif look.state is State.NOT_STARTED:
            parts.append(self._beside_spinner("Waiting for a runner to take it"))
        else:
            parts.append(self._beside_spinner("Interrupted; it is going to be resumed by itself"))
        return Padding(Carried(Group(*parts)), (0, _MARGIN, 0, 0))

    def _rows(self, look: Look) -> Table:
        table = Table.grid(padding=(0, 1, 0, 0))
        # Where there is no room, names and notes are cut, not signs and times.
        table.add_column(no_wrap=True)
        table.add_column()
        table.add_column(no_wrap=True, justify="right")
        table.add_column(style="dim")
        first, last = self._window(look.view)
        if first:
            table.add_row("", Text(f"… {first} before", style="dim"), "", "")
        for name in self._stages[first:last]:
            table.add_row(*self._row(name, look.view))
        if after := len(self._stages) - last:
            table.add_row("", Text(f"… {after} more", style="dim"), "", "")
        return table

    def _window(self, view: View) -> tuple[int, int]:
        """Return which stages there is room for: those around the one at work."""
        count = len(self._stages)
        if count <= _MOST_ROWS:
            return 0, count
        first = min(max(view.current_stage - 2, 0), count - _MOST_ROWS)
        return first, first + _MOST_ROWS

    def _row(self, name: str, view: View) -> tuple[Text, Text, Text, Text]:
        state = view.stage_states.get(name)
        signs = _SIGNS.get(state, _SIGNS[None])
        style = signs[2]
        began, ended = view.stage_times.get(name, (None, None))
        took = ""
        if began is not None:
            took = (
                format_duration(max(self._clock() - began, 0.0))
                if ended is None
                else format_took(max(ended - began, 0.0))
            )
        notes = [state] if state not in (None, StageState.ACTIVE, StageState.DONE) else []
        number, most = view.stage_attempts.get(name, (1, 1))
        if number > 1:
            notes.append(f"attempt {number} of {most}")
        if state in (None, StageState.ACTIVE):
            notes.append(format_usual(view.expected.get(name)))
        return (
            Text(signs[self._sign], style=style),
            _in_a_row(clean(name), style if state != StageState.DONE else ""),
            Text(took),
            _in_a_row(", ".join(note for note in notes if note)),
        )

    def _bar(self, view: View) -> list[RenderableType]:
        """Return the bar, and what it means in numbers: beside it, or below if that is too long."""
        label, text = clean(view.label), progress_text(view, label=False)
        room = self._console.width - _MARGIN - 2 - len(label) - 1
        is_beside = room - len(text) - 1 >= _SHORTEST_BAR
        room -= len(text) + 1 if is_beside else 2
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(width=1)
        table.add_column()
        table.add_column(width=min(max(room, _SHORTEST_BAR), _LONGEST_BAR))
        table.add_column()
        bar = ProgressBar(
            total=None if view.percent is None else 100.0,
            completed=view.percent or 0.0,
            pulse=view.percent is None,
        )
        shown = _in_a_row(text)
        table.add_row(self._spinner, _in_a_row(label), bar, shown if is_beside else "")
        return [table] if is_beside else [table, Padding(shown, (0, 0, 0, 2))]

    def _whole(self, look: Look, *, has_bar: bool) -> RenderableType:
        row, view = look.row, look.view
        began = row.started_on.timestamp() if row.started_on is not None else None
        left_out = not_selected(self._stages, row.stages_to_run)
        told = forecast(self._stages, view, began, left_out)
        facts = []
        if self._stages and told.percent is not None:
            facts.append(f"{format_percent(told.percent)} of all")
        if began is not None:
            facts.append(f"{format_duration(max(self._clock() - began, 0.0))} elapsed")
        if told.eta is not None:
            left = told.eta - (self._clock() - view.taken_at if view.taken_at else 0.0)
            facts.append(f"{format_duration(max(left, 0.0))} left")
        if view.cancel_requested:
            facts.insert(0, "asked to stop")
        text = ", ".join(facts)
        if has_bar:
            return Text(text, style="dim", no_wrap=True, overflow="ellipsis")
        return self._beside_spinner(text)

    def _beside_spinner(self, text: str) -> Table:
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_row(self._spinner, Text(text, style="dim", overflow="ellipsis", no_wrap=True))
        return table


def _in_a_row(text: str, style: str = "") -> Text:
    """Return a text that stays in its row: what there is no room for is left out."""
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")

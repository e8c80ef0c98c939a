"""What is known of a command that has ended."""

from dataclasses import dataclass

TAIL_LINES = 50
"""Lines that are remembered of the end of a command's output."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """A command that has ended, well or not.

    Attributes:
        command: the command as it is shown and recorded.
        returncode: its exit status; negative for the signal that killed it.
        seconds: how long it took.
        tail: the last lines of its output, ``TAIL_LINES`` at most.
    """

    command: str
    returncode: int
    seconds: float
    tail: tuple[str, ...]

    @property
    def output(self) -> str:
        """The last lines of the output as one text."""
        return "\n".join(self.tail)

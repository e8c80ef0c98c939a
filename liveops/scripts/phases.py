"""What a script does in each phase of a stage unless it is told otherwise, and how it says so."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from rich.console import Console
from rich.panel import Panel
from rich.text import Text
from tenacity import RetryCallState, Retrying

from liveops.scripts.markup import Plain, styled
from liveops.summary import print_lines


class StageDuration(NamedTuple):
    """How long an attempt at a stage took."""

    stage: str
    duration: timedelta


class StagePhases:
    """The phases of a stage, and what they print with."""

    console: Console
    current_stage: str
    durations: list[StageDuration]
    stage_start_time: datetime

    def _run_pre_stage_actions(self) -> None:
        """Do something before a stage; nothing by default."""

    def _begin_stage(self, heading: str) -> None:
        """Begin an attempt: start the clock and print the heading."""
        self.stage_start_time = datetime.now(tz=UTC)
        self.print_heading(heading)

    def _skip_stage(self) -> None:
        """Say that the stage is skipped."""
        self.console.log("Skipping this stage: it is not among those to run.")

    def _end_stage(self) -> None:
        """End an attempt: note and print how long it took."""
        duration = datetime.now(tz=UTC) - self.stage_start_time
        self.durations.append(StageDuration(self.current_stage, duration))
        self.console.log(f"The {self.current_stage!r} stage took {duration}.")

    def _run_post_stage_actions(self) -> None:
        """Do something after a stage; nothing by default."""

    def _prepare_to_retry_stage(self, retry_state: RetryCallState) -> None:
        """Say that the stage is about to be tried again.

        Args:
            retry_state: tenacity's account of the attempt that failed.
        """
        error = retry_state.outcome.exception() if retry_state.outcome else None
        reason = f" ({error})" if str(error or "") else ""
        message = (
            f"Preparing to retry the {self.current_stage!r} stage: attempt "
            f"{retry_state.attempt_number} failed{reason}, the next one begins in "
            f"{retry_state.upcoming_sleep} s."
        )
        self.console.log(styled(self.console, Plain(message), "bold yellow"))

    def _handle_stage_retry_error(self, retry: Retrying) -> None:
        """Say that the stage is not tried any more.

        Args:
            retry: tenacity's controller; its ``statistics`` tell of all attempts.
        """
        stage, seen = self.current_stage, retry.statistics
        if not getattr(self, f"{stage}_retry_attempts", 0):
            message = (
                f"The {stage!r} stage asks to be retried, but has no retry attempts: it failed."
            )
            self.console.log(styled(self.console, Plain(message), "bold red"))
            return
        seconds = timedelta(seconds=seen.get("delay_since_first_attempt", 0))
        self.print_heading(
            f"Giving up on the {stage!r} stage. Attempts: {seen.get('attempt_number', 1)}, "
            f"time: {seconds}.",
            color="red",
        )

    def print_heading(self, message: str, *, color: str = "cyan") -> None:
        """Print a heading.

        Args:
            message: what is about to happen; may hold markup of rich.
            color: of the heading.
        """
        text = styled(self.console, message, "bold")
        self.console.log(Panel(text, style=color, expand=self.console.is_terminal))

    def print_dry_run_message(self, message: str, *, indent: int = 0) -> None:
        """Print what does not happen since this is a dry run.

        Args:
            message: what to print; may hold markup of rich.
            indent: by how many spaces.
        """
        text = Text("DRY-RUN MODE: ", style="yellow")
        text.append_text(styled(self.console, message))
        print_lines(self.console, text, indent)

"""Operations that do the same each time, so that what they print can be compared."""

import threading
from pathlib import Path
from typing import ClassVar

from django.db import models

from liveops.exceptions import OperationError
from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.stages import RetryStage

FOREVER = 1_000
"""Seconds that nothing here takes: a test ends it before."""


class Release(LiveOperation):
    """Release a version of the site.

    All that it runs are harmless commands.
    """

    version = models.CharField(max_length=20, default="1.0", help_text="What to release.")
    channel = models.CharField(
        max_length=10, choices=[("beta", "Beta"), ("stable", "Stable")], default="beta"
    )
    failures = models.PositiveIntegerField(default=0, help_text="How many attempts to save fail.")
    status = models.PositiveIntegerField(default=0, help_text="Exit status of the last command.")
    tries = 0

    @LiveOperation.stage("Build", "Building the image")
    def build(self, p: Progress) -> None:
        """Run a program, and a line for the shell."""
        p.run(["echo", "image of", self.version])
        p.run("echo one; echo two >&2")

    @LiveOperation.stage("Save to DB", "Saving it", retry_attempts=2)
    def save_it(self, p: Progress) -> None:
        """Fail as often as asked to."""
        self.tries += 1
        if self.tries <= self.failures:
            raise RetryStage("The database is locked.")
        p.log("One row is odd.", level="warning")
        for _ in p.track(range(4), label="Saving", unit="row"):
            pass

    @LiveOperation.stage("Publish", "Publishing it")
    def publish(self, p: Progress) -> None:
        """Run the command that may fail."""
        p.run(f"echo 'to {self.channel}'; exit {self.status}")
        p.result(version=self.version)


class Prepare(LiveOperation):
    """Prepare a release, and go on with it."""

    status = models.PositiveIntegerField(default=0, help_text="Exit status of the last command.")

    @LiveOperation.stage("Fetch", "Fetching what is to be released")
    def fetch(self, p: Progress) -> None:
        """Run one command, and hand over from inside the stage."""
        p.run(["echo", "fetched"])
        p.result(fetched=3)
        p.chain_to(Release.objects.create(version="3.0", status=self.status))


class Mixed(LiveOperation):
    """Walk through blocks and attempts."""

    stages: ClassVar[list[str]] = ["Load", "Save", "Report"]
    failures = models.PositiveIntegerField(default=0)
    refuse = models.BooleanField(default=False)

    def run(self, p: Progress) -> None:
        """Do a little in each stage."""
        with p.stage("Load"):
            p.status("Reading the file")
            p.log("3 rows")
        for attempt in p.attempts("Save", retry_attempts=1):
            with attempt:
                if attempt.number <= self.failures:
                    raise RetryStage("Locked.")
                p.log("Saved.")
        with p.stage("Report"):
            if self.refuse:
                raise OperationError("Nobody wants a report.")
            p.result(rows=3, by={"kind": "row"})


class Halfway(LiveOperation):
    """Stop in the middle of a bar until a test says go on, by a file."""

    stages: ClassVar[list[str]] = ["Count"]
    folder = models.CharField(max_length=200)

    def run(self, p: Progress) -> None:
        """Count to five of ten, and wait."""
        go, pause = Path(self.folder, "go"), threading.Event()
        with p.stage("Count"):
            for number in p.track(range(10), label="Counting", unit="lamb"):
                while number == 5 and not go.exists():
                    p.check_cancelled()
                    pause.wait(0.01)


class Endless(LiveOperation):
    """Never end by itself, in one of some ways."""

    WAYS: ClassVar[list[str]] = ["body", "wait", "child", "deaf", "absent"]

    way = models.CharField(max_length=10, choices=[(way, way) for way in WAYS])
    grace = models.FloatField(default=5.0)
    folder = models.CharField(max_length=200, blank=True)

    @LiveOperation.stage("Work", "Working", retry_attempts=1, retry_delay=60)
    def work(self, p: Progress) -> None:
        """Do it."""
        getattr(self, self.way)(p)

    @LiveOperation.stage("Rest", "Resting")
    def rest(self, p: Progress) -> None:
        """Is never reached."""

    def body(self, p: Progress) -> None:
        """Listen in the body."""
        p.log("up")
        while True:
            p.check_cancelled()
            threading.Event().wait(0.01)

    def absent(self, p: Progress) -> None:
        """Listen to nothing."""
        p.log("up")
        threading.Event().wait(FOREVER)

    def wait(self, p: Progress) -> None:
        """Ask for a retry that is far away."""
        raise RetryStage("It is not there yet.")

    def child(self, p: Progress) -> None:
        """Have a command with a process of its own that waits, too."""
        p.run(f"sh -c 'sleep {FOREVER} & echo up; wait'; echo end", grace=self.grace)

    def deaf(self, p: Progress) -> None:
        """Have a command that only notes that it was asked to end."""
        asked = Path(self.folder, "asked")
        loop = f"while :; do sleep {FOREVER} & wait; done"
        p.run(f"trap 'touch {asked}' TERM; echo up; {loop}", grace=self.grace)


class Waiting(Endless):
    """Run a command from a coroutine, without end."""

    class Meta:
        proxy = True

    @LiveOperation.stage("Work", "Working")
    async def work(self, p: Progress) -> None:  # type: ignore[override]
        """Await the command."""
        await p.arun(f"sh -c 'sleep {FOREVER} & echo up; wait'; echo end", grace=self.grace)

    async def run(self, p: Progress) -> None:
        """Go through the one stage."""
        await self.work(p)


class Late(Endless):
    """End, but take time to say where success leads."""

    class Meta:
        proxy = True

    @LiveOperation.stage("Work", "Working")
    def work(self, p: Progress) -> None:
        """Do nothing."""

    def run(self, p: Progress) -> None:
        """Go through the one stage."""
        self.work(p)

    def get_success_url(self) -> str | None:
        """Wait until somebody has sent the signal."""
        folder = Path(self.folder)
        (folder / "ending").touch()
        while not (folder / "go").exists():
            threading.Event().wait(0.01)
        return None

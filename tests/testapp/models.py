"""Operations for the tests."""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from tenacity import RetryCallState

from liveops.conf import get_settings
from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.stages import RetryStage


class Row(models.Model):
    """Something that user code writes."""

    name = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name


class Scripted(LiveOperation):
    """Does what the test hands it in ``body``."""

    stages: ClassVar[list[str]] = ["Load", "Validate", "Save"]
    body: ClassVar[Callable[["Scripted", Progress], Any]]

    note = models.CharField(max_length=100, blank=True)

    def run(self, p: Progress) -> Any:
        """Call the body."""
        return type(self).body(self, p)


class AsyncScripted(LiveOperation):
    """The same with an async body."""

    stages: ClassVar[list[str]] = ["Load", "Save"]
    body: ClassVar[Callable[["AsyncScripted", Progress], Any]]

    async def run(self, p: Progress) -> None:
        """Await the body."""
        await type(self).body(self, p)


class Walk(LiveOperation):
    """Walks through all its stages, one item after the other."""

    stages: ClassVar[list[str]] = ["Load", "Validate", "Save"]

    items = models.PositiveIntegerField(default=3)
    label = models.CharField(max_length=50, default="Walking")

    def run(self, p: Progress) -> None:
        """Track some items in each stage."""
        for name in self.stages:
            with p.stage(name):
                for number in p.track(range(self.items), label=self.label, unit="step"):
                    p.log(f"{name} {number}")
        p.result({"items": self.items})


class Stamps(LiveOperation):
    """Says what time it is, again and again, whenever nothing was said for a while."""

    COUNT = int(os.environ.get("LIVEOPS_TEST_STAMPS", "200"))

    def run(self, p: Progress) -> None:
        """Send the stamps; the first second is for a watcher to arrive."""
        pause = threading.Event()
        pause.wait(1.0)
        for number in range(self.COUNT):
            pause.wait(2.2 / get_settings().THROTTLE_HZ)
            p.status(f"stamp {number} {time.monotonic_ns()}")


class Burst(LiveOperation):
    """Writes many log lines at once."""

    COUNT = 1000

    def run(self, p: Progress) -> None:
        """Log the lines."""
        threading.Event().wait(0.5)
        for number in range(1, self.COUNT + 1):
            p.log(f"line {number}")


class Typed(LiveOperation):
    """Has a field of each kind that a form or a command line may fill."""

    title = models.CharField(max_length=20)
    flag = models.BooleanField(default=False)
    answer = models.BooleanField(null=True, blank=True)
    number = models.IntegerField(null=True, blank=True)
    share = models.FloatField(null=True, blank=True)
    price = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True)
    day = models.DateField(null=True, blank=True)
    moment = models.DateTimeField(null=True, blank=True)
    hour = models.TimeField(null=True, blank=True)
    pause = models.DurationField(null=True, blank=True)
    size = models.CharField(max_length=1, choices=[("s", "small"), ("l", "large")], blank=True)
    mail = models.EmailField(blank=True)
    key = models.UUIDField(null=True, blank=True)
    data = models.JSONField(default=dict, blank=True)
    code = models.SlugField(blank=True)
    text = models.TextField(blank=True)
    source = models.FileField(upload_to="typed", blank=True)
    row = models.ForeignKey(Row, null=True, blank=True, on_delete=models.SET_NULL)
    rows = models.ManyToManyField(Row, blank=True, related_name="+")
    hidden = models.CharField(max_length=10, blank=True, editable=False)

    def clean(self) -> None:
        """Refuse one title, and two pairs of values."""
        if self.title == "never":
            raise ValidationError({"title": "Choose another title."})
        if self.title == "alone" and self.number is not None:
            raise ValidationError("A number does not go with this title.")
        if self.title == "counted" and self.number is None:
            raise ValidationError({"number": "This title needs one."})

    def run(self, p: Progress) -> None:
        """Read the file, if there is one."""
        if self.source:
            with self.source.open("rb") as source:
                p.result(bytes=len(source.read()))


class Sequel(LiveOperation):
    """Goes with another operation when that is deleted."""

    of = models.ForeignKey(Typed, on_delete=models.CASCADE, related_name="+")

    def run(self, p: Progress) -> None:
        """Do nothing."""


class Stubborn(LiveOperation):
    """Does not listen."""

    def run(self, p: Progress) -> None:
        """Wait for a long time without a call that could raise a cancel."""
        p.log("deaf")
        for _ in range(600):
            threading.Event().wait(0.1)


class Listening(LiveOperation):
    """Works for ten minutes, and listens."""

    def run(self, p: Progress) -> None:
        """Wait in small steps."""
        p.log("up")
        for _ in p.track(range(6_000)):
            threading.Event().wait(0.1)


class Sleeping(LiveOperation):
    """Awaits one thing for ten minutes."""

    async def run(self, p: Progress) -> None:
        """Sleep."""
        p.log("up")
        await asyncio.sleep(600)


class Flaky(LiveOperation):
    """Has stage methods that go on only when a test says so, by a file for each step."""

    folder = models.CharField(max_length=200)
    tries = 0

    @LiveOperation.stage("Build", "Building the image and everything that belongs into it")
    def build(self, p: Progress) -> None:
        """Begin when told to."""
        self.wait_for("build")
        p.log("The image is built.")

    @LiveOperation.stage("Migrate", "Migrating the database", retry_attempts=3)
    def migrate(self, p: Progress) -> None:
        """Fail with the reason in the file of this attempt; succeed if it is empty."""
        self.tries += 1
        p.log(f"Try number {self.tries}.")
        if reason := self.wait_for(f"migrate-{self.tries}"):
            raise RetryStage(reason)

    @LiveOperation.stage("Notify", "Telling everybody")
    def notify(self, p: Progress) -> None:
        """Say so."""
        p.log("Everybody knows.")

    @LiveOperation.stage("Publish", "publish")
    def publish(self, p: Progress) -> None:
        """Begin when told to."""
        self.wait_for("publish")

    def _prepare_to_retry_stage_migrate(self, retry_state: RetryCallState) -> None:
        self._prepare_to_retry_stage(retry_state)
        self.wait_for(f"retry-{self.tries}")

    def wait_for(self, step: str) -> str:
        """Return what stands in the file of a step, once it is there."""
        path, pause = Path(self.folder, step), threading.Event()
        while not path.exists():
            self.progress.check_cancelled()
            pause.wait(0.01)
        return path.read_text(encoding="utf-8")

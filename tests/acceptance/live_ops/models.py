"""Operations that carry out a plan: a list of steps, each a verb and its values.

The plan comes as JSON from the test, so that a test file shows all that its operation does. The
verb ``wait`` stops until the test lets go, by a file: no test depends on how fast anything is.
"""

import threading
from pathlib import Path
from typing import Any, ClassVar

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models

from liveops.exceptions import OperationError
from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.stages import RetryStage

Plan = list[list[Any]]


class Planned(LiveOperation):
    """Carries out its plan.

    Attributes:
        key: name of the folder with the files that let the operation go on.
        plan: the steps; for a class with stage methods, a dict of steps by stage.
    """

    tries = 0

    key = models.CharField(max_length=100, default="", blank=True)
    plan = models.JSONField(default=list, blank=True)

    class Meta:
        abstract = True

    def carry_out(self, p: Progress, plan: Plan) -> None:
        """Carry out steps, one after the other."""
        for verb, *values in plan:
            getattr(self, f"do_{verb}")(p, *values)

    def do_stage(self, p: Progress, name: str, plan: Plan) -> None:
        """Carry out steps in a stage."""
        with p.stage(name):
            self.carry_out(p, plan)

    def do_log(self, p: Progress, text: str, level: str = "info", count: int = 1) -> None:
        """Log a line, or so many with numbers."""
        for number in range(1, count + 1):
            p.log(text.format(number), level=level)

    def do_flood(self, p: Progress, text: str, count: int) -> None:
        """Log so many lines as fast as watchers are shown all of them."""
        pause = threading.Event()
        for number in range(1, count + 1):
            p.log(text.format(number))
            if number % 400 == 0:
                pause.wait(0.05)

    def do_status(self, p: Progress, text: str, level: str = "info") -> None:
        """Say what is going on."""
        p.status(text, level=level)

    def do_percent(self, p: Progress, value: float) -> None:
        """Say how far it is."""
        p.percent(value)

    def do_track(self, p: Progress, label: str, total: int, waits: dict[str, str]) -> None:
        """Track items; wait for a step at some of them."""
        for number in p.track(range(total), label=label):
            if step := waits.get(str(number)):
                self.do_wait(p, step)

    def do_result(self, p: Progress, context: dict[str, Any]) -> None:
        """Set the result."""
        p.result(context)

    def do_fail(self, _: Progress, text: str, unless: str = "") -> None:
        """Fail with a sentence, unless a step was let go."""
        if not (unless and self.step(unless).exists()):
            raise OperationError(text)

    def do_retry(self, _: Progress, text: str, times: int) -> None:
        """Ask so many times to be tried again."""
        self.tries += 1
        if self.tries <= times:
            raise RetryStage(text)

    def do_wait(self, p: Progress, step: str) -> None:
        """Wait until the test lets go."""
        pause = threading.Event()
        while not (self.step(step).exists() or self.step("everything").exists()):
            p.check_cancelled()
            pause.wait(0.01)

    def do_chain(self, p: Progress, model: str, fields: dict[str, Any]) -> None:
        """Go on with another operation; its owner is that of this one unless it is named."""
        fields = dict(fields)
        owner = fields.pop("owner", None)
        user = get_user_model().objects.get(username=owner) if owner else self.owner
        following = apps.get_model("live_ops", model).objects.create(owner=user, **fields)
        p.chain_to(following)

    def step(self, name: str) -> Path:
        """Return the file whose existence lets the operation go on."""
        folder: str = getattr(settings, "LIVE_OPS_FOLDER")  # noqa: B009 (not in the suite's settings)
        return Path(folder, self.key or str(self.pk), name)


class Voyage(Planned):
    """Has stages by name, which its plan opens as it likes."""

    stages: ClassVar[list[str]] = ["Load", "Validate", "Save"]

    def run(self, p: Progress) -> None:
        """Carry out the plan."""
        self.carry_out(p, self.plan)


class Measured(Voyage):
    """Has a history that belongs to one test."""

    class Meta:
        proxy = True


class Departure(Voyage):
    """The first of a chain."""

    stages: ClassVar[list[str]] = ["Board", "Taxi"]

    class Meta:
        proxy = True


class Flight(Voyage):
    """The second of a chain; no name of a stage is known from the first."""

    stages: ClassVar[list[str]] = ["Climb", "Cruise", "Descend"]

    class Meta:
        proxy = True


class Arrival(Voyage):
    """The third of a chain; it has no stages."""

    stages: ClassVar[list[str]] = []

    class Meta:
        proxy = True


class Release(Planned):
    """Has stage methods, so that it can be retried and resumed."""

    @LiveOperation.stage("Build", "Building the image and everything that belongs into it")
    def build(self, p: Progress) -> str:
        """Return something that is kept for a resumed run."""
        self.carry_out(p, self.plan.get("Build", []))
        return "image"

    @LiveOperation.stage("Migrate", "Migrating the database", retry_attempts=3)
    def migrate(self, p: Progress) -> None:
        """Carry out its part of the plan."""
        self.carry_out(p, self.plan.get("Migrate", []))

    @LiveOperation.stage("Publish", "Telling everybody")
    def publish(self, p: Progress) -> None:
        """Carry out its part of the plan."""
        self.carry_out(p, self.plan.get("Publish", []))

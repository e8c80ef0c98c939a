"""Operations with stages for the tests of the command's options."""

from typing import ClassVar

import pytest

from liveops.management.commands.run_liveop import Command
from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.stages import RetryLimits, RetryStage
from tests.testapp.models import Scripted

LAUNCH = "testapp.Launch"
EXCURSION = "testapp.Excursion"


class Launch(Scripted):
    """Roll something out.

    Slowly, at first.
    """

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["Build", "Save to DB", "Set", "保存 7"]
    failures: ClassVar[int] = 0
    bodies: ClassVar[list[str]] = []
    limits: ClassVar[dict[str, RetryLimits]] = {}
    run = LiveOperation.run

    @LiveOperation.stage("Build", "Building it")
    def build(self, p: Progress) -> None:
        """Run a command."""
        self.bodies.append("Build")
        p.run(["echo", "built"])

    @LiveOperation.stage("Save to DB", "Saving it", retry_attempts=1, retry_timeout=90)
    def save_it(self, p: Progress) -> None:
        """Fail as often as the test says."""
        self.bodies.append("Save to DB")
        if self.bodies.count("Save to DB") <= self.failures:
            raise RetryStage("Not yet.")

    @LiveOperation.stage("Set", "Setting it", retry_delay=1.5)
    def set_it(self, p: Progress) -> None:
        """Have the name of an option that every operation has."""
        self.bodies.append("Set")

    @LiveOperation.stage("保存 7", "")
    def keep_it(self, p: Progress) -> None:
        """Have a name without an identifier form."""
        self.bodies.append("保存 7")

    def retry_limits(self, name: str, declared: RetryLimits) -> RetryLimits:
        """Note what holds for a stage."""
        self.limits[name] = super().retry_limits(name, declared)
        return self.limits[name]


class Excursion(Scripted):
    """Have a block, and a stage in a loop of attempts."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["Pack", "Walk", "Rest"]
    bodies: ClassVar[list[str]] = []

    def run(self, p: Progress) -> None:
        """Go."""
        with p.stage("Pack"):
            self.bodies.append("Pack")
        for name in ("Walk",):
            for attempt in p.attempts("Walk", retry_attempts=1):
                with attempt:
                    self.bodies.append(name)
                    raise RetryStage("Rain.")


def forget() -> None:
    """Forget what these operations did in a test."""
    Launch.failures = 0
    for kept in (Launch.bodies, Launch.limits, Excursion.bodies):
        kept.clear()


def typed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Run the command as a shell does; return the exit status and all that was printed."""
    with pytest.raises(SystemExit) as leaving:
        Command().run_from_argv(["manage.py", "run_liveop", *arguments])
    captured = capsys.readouterr()
    return int(str(leaving.value.code)), captured.out + captured.err

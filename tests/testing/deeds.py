"""Operations that the tools are tried on; each does what is written in it."""

import logging
from typing import Any, ClassVar

from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.stages import RetryStage
from tests.testapp.models import AsyncScripted, Scripted


class Shipload(Scripted):
    """Consists of stage methods; the first one fails as often as ``note`` has characters."""

    class Meta:
        proxy = True
        app_label = "testapp"

    stages: ClassVar[list[str]] = ["Build", "Ship"]
    run = LiveOperation.run

    @LiveOperation.stage("Build", "Building", retry_attempts=2, retry_delay=30, retry_timeout=100)
    def build(self, p: Progress) -> dict[str, int]:
        """Fail, and be retried."""
        p.run(["make", "all"])
        if self.note:
            self.note = self.note[1:]
            raise RetryStage("locked")
        return {"size": 7}

    @LiveOperation.stage("Ship", "Shipping")
    def ship(self, p: Progress) -> None:
        """Say what is said of it."""
        with p.capture_logging("shipping"):
            logging.getLogger("shipping").warning("late")
        for number in p.track(range(4), label="Crates", unit="crate"):
            p.log(f"crate {number}")
        p.result(crates=4)


class Soundings(AsyncScripted):
    """Fetches in coroutines."""

    class Meta:
        proxy = True
        app_label = "testapp"

    async def run(self, p: Progress) -> None:
        """Count asynchronously, try twice, run a command."""
        with p.stage("Load"):
            async for number in p.track(self.numbers(), total=2):
                p.status(f"number {number}")
        async for attempt in p.attempts("Save", retry_attempts=1, retry_delay=5):
            with attempt:
                await p.arun("true")
                if attempt.number == 1:
                    raise RetryStage("again")

    async def numbers(self) -> Any:
        """Yield two numbers."""
        for number in (1, 2):
            yield number

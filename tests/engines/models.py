"""Operations that carry out a plan: for each stage a list of steps, a verb and its values each.

The plan comes from the test, so that a test shows all that its operation does. The verb ``wait``
stops until the test lets go; no test depends on how fast anything is.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, ClassVar

from asgiref.sync import sync_to_async
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models, transaction
from django.utils import translation

from liveops.exceptions import OperationError
from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.stages import RetryStage
from tests.engines.journal import Journal
from tests.engines.steps import Steps

Steplist = list[list[Any]]


class _RolledBack(Exception):
    """Leaves a transaction that the plan wants to be rolled back."""


def site_folder() -> Path:
    """Return the folder of the site that this process belongs to."""
    folder: str = getattr(settings, "ENGINES_FOLDER")  # noqa: B009 (only sites have it)
    return Path(folder)


class Planned(LiveOperation):
    """Carries out its plan.

    Attributes:
        plan: steps by stage.
    """

    plan = models.JSONField(default=dict, blank=True)

    class Meta:
        abstract = True

    def body(self, p: Progress, stage: str) -> Any:
        """Carry out the steps of a stage; return what the verb ``return`` said."""
        with self.journal(stage):
            return self.carry_out(p, self.plan.get(stage, []))

    @contextmanager
    def journal(self, stage: str) -> Iterator[None]:
        """Write down that the body of a stage begins and ends."""
        journal, run = Journal(site_folder() / "journal"), self.fence
        journal.note("begin", self.pk, stage, run=run)
        outcome = "-"
        try:
            yield
        except BaseException as error:
            outcome = type(error).__name__
            raise
        finally:
            journal.note("end", self.pk, stage, run=run, outcome=outcome)

    def carry_out(self, p: Progress, plan: Steplist) -> Any:
        """Carry out steps, one after the other."""
        returned = None
        for verb, *values in plan:
            if verb == "return":
                (returned,) = values
            else:
                getattr(self, f"do_{verb}")(p, *values)
        return returned

    @property
    def steps(self) -> Steps:
        """The points at which this operation waits."""
        return Steps(site_folder(), self.pk)

    def do_log(self, p: Progress, text: str, count: int = 1, level: str = "info") -> None:
        """Log a line, or so many; ``{}`` becomes their number."""
        for number in range(1, count + 1):
            p.log(text.format(number), level=level)

    def do_status(self, p: Progress, text: str) -> None:
        """Say what is going on."""
        p.status(text)

    def do_percent(self, p: Progress, value: float) -> None:
        """Say how far it is."""
        p.percent(value)

    def do_track(self, p: Progress, total: int, point: str = "", at: int = 0) -> None:
        """Track items, and wait at one of them."""
        for number in p.track(range(total), label="Items"):
            if point and number == at:
                self.do_wait(p, point)

    def do_result(self, p: Progress, context: dict[str, Any]) -> None:
        """Set the result."""
        p.result(context)

    def do_language(self, p: Progress) -> None:
        """Log the active language."""
        p.log(f"language {translation.get_language()}")

    def do_fail(self, _: Progress, text: str, unless: str = "") -> None:
        """Fail with a sentence, unless the test opened a point."""
        if not (unless and self.steps.may_pass(unless)):
            raise OperationError(text)

    def do_crash(self, _: Progress, text: str) -> None:
        """Fail with an error that the operation did not foresee."""
        raise ZeroDivisionError(text)

    def do_retry(self, _: Progress, text: str, unless: str) -> None:
        """Ask for another attempt, unless the test opened a point."""
        if not self.steps.may_pass(unless):
            raise RetryStage(text)

    def do_wait(self, p: Progress, point: str) -> None:
        """Wait at a point, and listen meanwhile."""
        self.steps.note_reached(point, self.fence)
        pause = threading.Event()
        while not self.steps.may_pass(point):
            p.check_cancelled()
            pause.wait(0.01)

    def do_wait_deaf(self, _: Progress, point: str) -> None:
        """Wait at a point, as one does who never asks whether to stop."""
        self.steps.note_reached(point, self.fence)
        pause = threading.Event()
        while not self.steps.may_pass(point):
            pause.wait(0.01)

    def do_log_until(self, p: Progress, point: str, text: str = "line {}") -> None:
        """Log a numbered line a hundred times a second until a point is open."""
        self.steps.note_reached(point, self.fence)
        pause, number = threading.Event(), 0
        while not self.steps.may_pass(point):
            number += 1
            p.log(text.format(number))
            p.check_cancelled()
            pause.wait(0.01)

    def do_enqueue(self, _: Progress, plan: dict[str, Steplist], count: int) -> None:
        """Enqueue so many other operations, all at once."""
        others = type(self)._base_manager
        with transaction.atomic():
            for _number in range(count):
                others.create(plan=plan).enqueue()

    def do_until_shutdown(self, p: Progress, point: str) -> None:
        """Work until the process is told to stop, then finish in good order."""
        pause = threading.Event()
        _ = p.shutting_down  # it asks before anybody is told that it does
        self.steps.note_reached(point, self.fence)
        while not p.shutting_down:
            pause.wait(0.01)
        p.log("the process is shutting down")

    def do_command(self, p: Progress, *command: str) -> None:
        """Run a command."""
        p.run(list(command))

    def do_kill(self, _: Progress, unless: str = "") -> None:
        """Die here and now, unless the test opened a point."""
        if not (unless and self.steps.may_pass(unless)):
            Journal(site_folder() / "journal").note("killed", pid=os.getpid())
            os.kill(os.getpid(), signal.SIGKILL)

    def do_atomic(self, p: Progress, plan: Steplist, how: str = "commit") -> None:
        """Carry out steps in a transaction that ends as `how` says: `commit` or `rollback`."""
        try:
            with transaction.atomic():
                self.carry_out(p, plan)
                if how == "rollback":
                    raise _RolledBack
        except _RolledBack:
            return

    def do_user(self, _: Progress, name: str) -> None:
        """Write something that is the project's own: a user."""
        get_user_model().objects.create(username=name)

    def do_save(self, _: Progress) -> None:
        """Save the operation itself."""
        self.save()

    def do_lock(self, _: Progress) -> None:
        """Lock the operation's own rows until the end of the transaction."""
        type(self)._base_manager.select_for_update().get(pk=self.pk)

    def do_chain(self, p: Progress, model: str, plan: dict[str, Steplist]) -> None:
        """Go on with another operation."""
        following = apps.get_model("engines", model)
        p.chain_to(following._base_manager.create(owner=self.owner, plan=plan))

    def do_prepare(self, _: Progress, model: str, plan: dict[str, Steplist]) -> None:
        """Create the operation to go on with."""
        self.following = apps.get_model("engines", model)._base_manager.create(plan=plan)

    def do_go_on(self, p: Progress) -> None:
        """Go on with the operation that was prepared, without a look at the database."""
        p.chain_to(self.following)


class StagedPlan(Planned):
    """Has stage methods, so it can be resumed."""

    @LiveOperation.stage("Load", "Loading")
    def load(self, p: Progress) -> Any:
        """Carry out its part of the plan."""
        return self.body(p, "Load")

    @LiveOperation.stage("Change", "Changing", retry_attempts=2)
    def change(self, p: Progress) -> Any:
        """Carry out its part of the plan."""
        return self.body(p, "Change")

    @LiveOperation.stage("Save", "Saving")
    def store(self, p: Progress) -> Any:
        """Carry out its part of the plan."""
        return self.body(p, "Save")


class ResumingPlan(StagedPlan):
    """Is resumed by itself after an interruption."""

    resume_on_interrupt: ClassVar[int] = 3

    class Meta:
        proxy = True


class BlockPlan(Planned):
    """Opens its stages in `run()`; in one transaction for all of them if its plan says so.

    The plan's ``transaction`` is ``commit`` or ``rollback`` then.
    """

    stages: ClassVar[list[str]] = ["Load", "Change", "Save"]

    def run(self, p: Progress) -> None:
        """Carry out the plan."""
        how = self.plan.get("transaction")
        try:
            with transaction.atomic() if how else nullcontext():
                for name in self.stages:
                    with p.stage(name):
                        self.body(p, name)
                if how == "rollback":
                    raise _RolledBack
        except _RolledBack:
            return


class AsyncPlan(Planned):
    """Runs in an event loop; it knows the verbs that do not block, and waits with `await`.

    The steps of the verb ``sync`` may do all the rest, as `sync_to_async` does it.
    """

    stages: ClassVar[list[str]] = ["Load", "Change", "Save"]

    async def run(self, p: Progress) -> None:
        """Carry out the plan."""
        for name in self.stages:
            with p.stage(name), self.journal(name):
                for verb, *values in self.plan.get(name, []):
                    if verb == "wait":
                        await self._wait(p, *values)
                    elif verb == "sync":
                        await sync_to_async(self.carry_out)(p, *values)
                    else:
                        getattr(self, f"do_{verb}")(p, *values)

    async def _wait(self, p: Progress, point: str) -> None:
        self.steps.note_reached(point, self.fence)
        while not self.steps.may_pass(point):
            p.check_cancelled()
            await asyncio.sleep(0.01)

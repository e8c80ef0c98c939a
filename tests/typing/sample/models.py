"""Operations of a project whose types are checked: what its author sees of ours."""

import datetime as dt
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any, assert_type

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group
from django.db import models

from liveops.commands import CommandFailed, CommandResult
from liveops.exceptions import OperationCancelled, OperationError
from liveops.models import LiveOperation, Share, StageRun
from liveops.progress import Progress
from liveops.scripts import RetryStage


async def pages() -> AsyncIterator[bytes]:
    yield b""


class ImportAirports(LiveOperation):
    """One method, with stages in ``with`` blocks."""

    stages = ["Fetch", "Save"]
    host_template_name = "sample/import.html"
    runner_options = {"queue": "imports"}

    source = models.CharField(max_length=200)

    class Meta:
        verbose_name = "import of airports"

    def run(self, p: Progress) -> None:
        assert_type(p.operation, LiveOperation)
        assert_type(p.shutting_down, bool)
        with p.stage("Fetch") as nothing:
            assert_type(nothing, None)
            done = p.run(["fetch", self.source], timeout=60, secrets=["s3cret"])
            assert_type(done, CommandResult)
            assert_type(done.returncode, int)
            assert_type(done.seconds, float)
        for attempt in p.attempts("Save", retry_attempts=3, retry_delay=1.5):
            with attempt:
                self.save_all(p)
        p.result(number=3, by="code")
        p.result({"number": 3})

    def save_all(self, p: Progress) -> None:
        names = p.track(["FRA", "MUC"], label="Airports", unit="airport")
        assert_type(names, Iterator[str])
        for name in names:
            assert_type(name, str)
            p.status(name)
        for group in p.track(Group.objects.all()):
            assert_type(group, Group)
            p.log(group.name, level="debug")
        for number, half in p.track(enumerate([0.5]), total=1):
            assert_type(number, int)
            assert_type(half, float)
        p.percent(50)
        p.percent(None)
        try:
            p.check_cancelled()
        except OperationCancelled:
            p.status("Cancelled", level="warning")
            raise
        with p.capture_logging("sample"):
            p.mask("s3cret")

    def get_success_url(self) -> str | None:
        return None

    def can_view(self, user: AbstractBaseUser | AnonymousUser | None) -> bool:
        return user is not None and super().can_view(user)


class Publish(LiveOperation):
    """Stage methods, plain and ``async``: their signatures stay."""

    @LiveOperation.stage("build", "Building", retry_attempts=2, retry_delay=0.5)
    def build(self, p: Progress, *, fast: bool = False) -> int:
        try:
            p.run("make", grace=1.0, check=not fast)
        except CommandFailed as error:
            assert_type(error.result, CommandResult)
            raise RetryStage("make failed") from error
        return 3

    @LiveOperation.stage("upload", "Uploading", continue_on_failure=True)
    async def upload(self, p: Progress) -> list[str]:
        async for page in p.track(pages()):
            assert_type(page, bytes)
        async for group in p.track(Group.objects.all()):
            assert_type(group, Group)
        done = await p.arun(["upload"])
        assert_type(done, CommandResult)
        return []

    async def run(self, p: Progress) -> None:
        assert_type(self.build(p, fast=True), int)
        assert_type(await self.upload(p), list[str])
        if self.stages_to_run:
            raise OperationError("Publish everything, or nothing.")
        p.chain_to(ImportAirports(owner=self.owner))

    def _begin_stage_upload(self, heading: str) -> None:
        self.progress.status(heading)


def look_at(operation: LiveOperation) -> None:
    assert_type(operation.pk, uuid.UUID)
    assert_type(operation.specific, LiveOperation)
    assert_type(operation.specific_class(), type[LiveOperation])
    assert_type(operation.get_state(), str)
    assert_type(operation.get_absolute_url(), str)
    assert_type(operation.can_resume, bool)
    assert_type(operation.progress, Progress)
    assert_type(operation.next_operation_id, uuid.UUID | None)
    for run in operation.stage_runs.all():
        assert_type(run, StageRun)
        assert_type(run.operation_id, uuid.UUID)
    for share in operation.share_links.all():
        assert_type(share, Share)
        assert_type(share.revoke(), bool)


def share(operation: LiveOperation, user: AbstractBaseUser) -> None:
    assert_type(operation.share_url(), str)
    assert_type(operation.share_url(expires=dt.timedelta(days=1), control=True), str)
    assert_type(operation.share_token(by=user), str)
    assert_type(operation.subscription_token, str)
    assert_type(operation.revoke_shares(), int)
    assert_type(operation.can_control(user), bool)
    assert_type(ImportAirports.visible_to(user), models.Q)


def start(owner: Any) -> ImportAirports:
    operation = ImportAirports.objects.create(owner=owner, source="https://example.com")
    assert_type(operation, ImportAirports)
    operation.enqueue()
    return operation

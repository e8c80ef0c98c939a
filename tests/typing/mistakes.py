"""What must not pass: each mistake names the error that both checkers find, and no other.

A comment whose error is gone is an error itself, to mypy by ``warn_unused_ignores``, which its
strict mode has, and to pyright by its settings for this folder.
"""

from typing import Any, Unpack

from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.runners.base import Runner
from liveops.scripts import StagedScript
from liveops.signals import OperationFinished


class Import(LiveOperation):
    @LiveOperation.stage("fetch")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue, reportUntypedFunctionDecorator]
    def fetch(self, p: Progress) -> int:
        return 3

    @LiveOperation.stage("save", "Saving", attempts=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue, reportUntypedFunctionDecorator]
    def save_all(self, p: Progress) -> None:
        self.fetch()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        text: str = self.fetch(p)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
        p.status(text)

    @LiveOperation.stage("check", "Checking", retry_delay="1 s")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    async def check_all(self, p: Progress) -> int:
        return 3

    async def run(self, p: Progress) -> None:
        number: int = self.check_all(p)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
        p.percent(number)

    def get_success_url(self) -> int:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return 3

    def can_view(self, user: Any) -> str:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return "yes"


def use(p: Progress, operation: LiveOperation) -> None:
    p.percent("half")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    p.statuss("There")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    p.log("Line", "info", "more")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    p.stage()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    for name in p.track(["FRA"], total="all"):  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
        name.decode()
    p.track(3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    p.run(["make"], timeout="1 s")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    p.run(3).stdout  # type: ignore[arg-type, attr-defined]  # pyright: ignore[reportArgumentType, reportAttributeAccessIssue]
    p.result([1])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    p.chain_to("next")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    p.mask(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    operation.share_url(3)  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportCallIssue]
    operation.share_url(days=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    operation.share_token(expires=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    operation.specific.source  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    operation.get_state().value  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    operation.enqueue(3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def hear(sender: type[LiveOperation], **event: Unpack[OperationFinished]) -> None:
    event["stage"]  # type: ignore[typeddict-item]  # pyright: ignore[reportGeneralTypeIssues]
    text: str = event["seconds"]  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    text.strip()


class Nowhere(Runner):
    pass


class Script(StagedScript):
    @StagedScript.stage("build")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue, reportUntypedFunctionDecorator]
    def build(self) -> int:
        return self.run(3)  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType, reportReturnType]


Nowhere()  # type: ignore[abstract]  # pyright: ignore[reportAbstractUsage]
Script("build", force=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

"""Checkpoints in the stage machine: what is passed by, and what may become one."""

import asyncio
from typing import Any

import pytest

from liveops.stages import Checkpoint, Checkpoints, RetryStage, Stage
from tests.unit.helpers import in_loop
from tests.unit.stage_owner import Host, Owner, attempts, stage


class KeepingHost(Host):
    """Has a checkpoint if a test gives it one, and keeps what bodies return."""

    given: Checkpoint | None = None
    refusal: Exception | None = None

    def checkpoint(self, stage: Stage) -> Checkpoint | None:
        self.asked = stage.name
        return self.given

    def keep(self, stage: Stage, result: Any) -> None:
        self.trace.append(f"> keep {result}")
        if self.refusal is not None:
            raise self.refusal


class Script(Owner):
    """An owner of a plain and of an async stage."""

    def __init__(self, *outcomes: Any, **options: Any) -> None:
        super().__init__(*outcomes, **options)
        host = KeepingHost(self.trace, selected=self.host.selected, limits=self.host.retry_limits)
        self.host: KeepingHost = host

    @stage()
    def build(self) -> Any:
        """Build it."""
        return self.body()

    @stage("wait")
    async def wait(self) -> Any:
        """Build it while others work."""
        await asyncio.sleep(0)
        return self.body()

    def call(self, name: str) -> Any:
        """Call one of the stages."""
        return self.build() if name == "build" else in_loop(self.wait)


both = pytest.mark.parametrize("name", ["build", "wait"])


@both
@pytest.mark.parametrize("selected", [True, False])
def test_at_a_checkpoint_nothing_is_done_and_its_result_returned(name: str, selected: bool) -> None:
    script = Script("new", selected=selected)
    script.host.given = Checkpoint(["old"])
    assert script.call(name) == ["old"]
    assert script.trace == []
    assert script.host.asked == name


def test_a_checkpoint_may_hold_nothing() -> None:
    script = Script("new")
    script.host.given = Checkpoint(None)
    assert script.build() is None
    assert script.trace == []


@both
def test_what_the_body_returned_is_kept_before_the_post_stage_actions(name: str) -> None:
    script = Script("built")
    assert script.call(name) == "built"
    assert script.trace[-5:] == ["end", "> attempt over", "> keep built", "post", "> leave"]


@both
def test_only_the_last_attempt_is_kept(name: str) -> None:
    script = Script(RetryStage(), "built", limits=attempts(1))
    assert script.call(name) == "built"
    assert [entry for entry in script.trace if entry.startswith("> keep")] == ["> keep built"]


@pytest.mark.parametrize(
    ("script", "error"),
    [
        pytest.param(lambda: Script("built", selected=False), None, id="skipped"),
        pytest.param(lambda: Script(RetryStage()), None, id="exhausted"),
        pytest.param(lambda: Script(OSError()), OSError, id="failed"),
    ],
)
@both
def test_what_was_not_done_is_not_kept(
    name: str, script: Any, error: type[Exception] | None
) -> None:
    one = script()
    if error is None:
        one.call(name)
    else:
        with pytest.raises(error):
            one.call(name)
    assert not [entry for entry in one.trace if entry.startswith("> keep")]


@both
def test_a_refusal_to_keep_it_makes_the_stage_fail(name: str) -> None:
    script = Script("built")
    script.host.refusal = ValueError("not that")
    with pytest.raises(ValueError, match="not that"):
        script.call(name)
    assert script.trace[-2:] == ["> keep built", "> leave"]
    assert script.host.left["error"] is script.host.refusal


def test_by_default_there_are_no_checkpoints() -> None:
    script = Owner("built")
    assert script.host.checkpoint(Stage("build", "")) is None
    script.host.keep(Stage("build", ""), object())
    assert script.trace == []


def test_checkpoints_are_handed_out_in_the_order_of_the_calls() -> None:
    known = Checkpoints({"Load": [1, None], "Save": [3]})
    taken = [known.take(name) for name in ("Load", "Save", "Load", "Load", "Save", "other")]
    assert taken == [Checkpoint(1), Checkpoint(3), Checkpoint(None), None, None, None]


def test_what_is_done_to_a_result_stays_with_its_caller() -> None:
    stored = {"Load": [{"rows": [1]}]}
    taken = Checkpoints(stored).take("Load")
    assert taken is not None
    taken.result["rows"].append(2)
    assert stored == {"Load": [{"rows": [1]}]}

"""Scenes in which a process that carries out an operation is killed, at one of many instants.

All scenes are played together: each operation in a process of its own gets to its instant, then
the processes are killed one by one; what has become of the operations is looked at by test. So
the time after which a run counts as dead passes once for all of them. Nobody looks for dead runs
before: so many processes that begin at once are silent for longer than that on a busy machine.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from liveops import control
from liveops.models import LiveOperation
from tests.acceptance.survival.scenes import (
    FAULT_POINTS,
    QUICK,
    Watch,
    arm,
    lines_of,
    stored,
    wait_for,
    watching,
)
from tests.engines import models
from tests.engines.fault_points import go_on_reaping, hold_reaping
from tests.engines.fixtures import MakeEngines
from tests.engines.site import Engines
from tests.engines.waiting import until

CALM = {**QUICK, "STALE_SECONDS": 4.0}
CHANGING = {"Load": [["log", "loaded"], ["return", 3]], "Change": [["log", "on"], ["wait", "here"]]}
LOADING = {"Load": [["log", "on"], ["wait", "here"]]}
# Ends when the test lets go of "here"; until then it lives, whatever becomes of its parent.
COMMAND = """
import os, sys, time
print("begun", flush=True)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.05)
"""


@dataclass(frozen=True)
class Scene:
    """When a process is killed, and how the operation then is.

    Attributes:
        plan: what the operation does.
        point: the step at which it is killed.
        armed: whether that is a fault point.
        model: the operation's class.
        ends: its state after the kill.
        stages: the states of its stages.
        begun: the bodies that began until then.
        done_again: those that begin when it is resumed.
        logs: how many lines are stored before the kill.
        is_cancelled: whether somebody asks to cancel it before.
    """

    plan: dict[str, Any] = field(default_factory=dict)
    point: str = "here"
    armed: bool = False
    model: type[LiveOperation] = models.StagedPlan
    ends: str = "INTERRUPTED"
    stages: dict[str, str] = field(default_factory=dict)
    begun: tuple[str, ...] = ()
    done_again: tuple[str, ...] = ("Load", "Change", "Save")
    logs: int = 0
    is_cancelled: bool = False


# In the first two no sign of life is given while they wait to be killed.
SCENES = {
    "killed-after-claim": Scene(point="claimed", armed=True),
    "killed-between-stages": Scene(
        plan={"Load": [["log", "loaded"]]},
        point="entering-Change",
        armed=True,
        stages={"Load": "done"},
        begun=("Load",),
        done_again=("Change", "Save"),
        logs=1,
    ),
    "killed-while-saving": Scene(
        plan={"Load": [["log", "one"], ["wait", "here"]]},
        point="saving-lines",
        armed=True,
        stages={"Load": "interrupted"},
        begun=("Load",),
    ),
    "killed-in-stage": Scene(
        plan=CHANGING,
        stages={"Load": "done", "Change": "interrupted"},
        begun=("Load", "Change"),
        done_again=("Change", "Save"),
        logs=2,
    ),
    "killed-in-retry-wait": Scene(
        plan={"Change": [["retry", "not yet", "here"]]},
        point="retrying",
        armed=True,
        stages={"Load": "done", "Change": "interrupted"},
        begun=("Load", "Change"),
        done_again=("Change", "Save"),
    ),
    "killed-in-transaction": Scene(
        plan={"Load": [["atomic", [["user", "ada"], ["log", "inside"], ["wait", "here"]]]]},
        stages={"Load": "interrupted"},
        begun=("Load",),
        logs=1,
    ),
    "killed-with-command": Scene(
        plan={"Load": [["command", sys.executable, "-c", COMMAND, "{here}"]]},
        point="",
        stages={"Load": "interrupted"},
        begun=("Load",),
        logs=1,
    ),
    "killed-before-end": Scene(
        plan={"Save": [["log", "saved"], ["result", {"rows": 3}]]},
        point="finishing",
        armed=True,
        stages={"Load": "done", "Change": "done", "Save": "done"},
        begun=("Load", "Change", "Save"),
        done_again=(),
        logs=1,
    ),
    "killed-after-end": Scene(
        plan={"Save": [["log", "saved"], ["result", {"rows": 3}]]},
        point="finished",
        armed=True,
        ends="FINISHED_OK",
        stages={"Load": "done", "Change": "done", "Save": "done"},
        begun=("Load", "Change", "Save"),
        logs=1,
    ),
    "killed-after-chain": Scene(
        plan={"Save": [["chain", "StagedPlan", {"Load": [["log", "next"]]}]]},
        point="chained",
        armed=True,
        ends="FINISHED_OK",
        stages={"Load": "done", "Change": "done", "Save": "done"},
        begun=("Load", "Change", "Save"),
    ),
    "killed-while-cancelling": Scene(
        plan={"Load": [["log", "on"], ["wait_deaf", "here"]]},
        model=models.ResumingPlan,
        stages={"Load": "interrupted"},
        begun=("Load",),
        logs=1,
        is_cancelled=True,
    ),
    "killed-in-log-flood": Scene(
        plan={"Load": [["log_until", "here"]]},
        stages={"Load": "interrupted"},
        begun=("Load",),
        logs=40,
    ),
    "killed-in-async": Scene(
        plan=LOADING,
        model=models.AsyncPlan,
        stages={"Load": "interrupted"},
        begun=("Load",),
        logs=1,
    ),
    "killed-in-block": Scene(
        plan=LOADING,
        model=models.BlockPlan,
        stages={"Load": "interrupted"},
        begun=("Load",),
        logs=1,
    ),
}
AGAIN = "killed-resumes-by-itself"
CAPPED = "killed-too-often"


@dataclass
class Played:
    """What is left when all processes were killed."""

    site: Engines
    watch: Watch
    operations: dict[str, LiveOperation]

    def of(self, fault: str) -> tuple[LiveOperation, Engines, Watch]:
        """Return what a test looks at."""
        return self.operations[fault], self.site, self.watch


@pytest.fixture(scope="module")
def played(module_engines: MakeEngines) -> Iterator[Played]:
    """Play all scenes."""
    site = module_engines(
        database="postgres", layer="core", runner="celery", liveops=CALM, settings=FAULT_POINTS
    )
    hold_reaping(site.folder)
    worker = site.start_celery(concurrency=len(SCENES) + 2)
    daphne = site.start_daphne()
    with site.here(), worker.telling():
        operations = {fault: _start(site, scene) for fault, scene in SCENES.items()}
        operations[AGAIN] = models.ResumingPlan.objects.create(plan=CHANGING)
        operations[CAPPED] = models.ResumingPlan.objects.create(
            plan={"Change": [["kill", "spared"]]}, resumes_left=1
        )
        for fault in (AGAIN, CAPPED):
            operations[fault].enqueue()
        with watching(daphne.url, *operations.values()) as watch:
            for fault, scene in SCENES.items():
                worker.kill(_victim(site, operations[fault], scene))
            worker.kill(site.reached(operations[AGAIN], "here"))
            go_on_reaping(site.folder)
            for fault, scene in SCENES.items():
                wait_for(operations[fault], scene.ends)
            yield Played(site, watch, operations)
    assert site.journal.twice_at_once() == []


def _start(site: Engines, scene: Scene) -> LiveOperation:
    operation: Any = scene.model._base_manager.create()
    here = site.folder / "steps" / str(operation.pk) / "here"
    operation.plan = {
        stage: [[str(here) if value == "{here}" else value for value in step] for step in steps]
        for stage, steps in scene.plan.items()
    }
    operation.save()
    if scene.armed:
        arm(site, operation, scene.point)
    operation.enqueue()
    assert isinstance(operation, LiveOperation)
    return operation


def _victim(site: Engines, operation: LiveOperation, scene: Scene) -> int:
    """Wait until an operation is where it is to be killed; return the process."""
    until(
        lambda: len(lines_of(operation)) >= scene.logs,
        45,
        lambda: f"{scene.logs} lines: {scene}; {vars(stored(operation))}",
    )
    if scene.is_cancelled:
        control.cancel(operation)
    if scene.point:
        return site.reached(operation, scene.point)
    return site.journal.begun(operation)[-1].pid

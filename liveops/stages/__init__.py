"""The stage rules, in pure Python: names, states, phases, retry, skip and their machine."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from liveops.stages.changes import changes_since
from liveops.stages.checkpoints import Checkpoint, Checkpoints
from liveops.stages.declaration import Stage, custom_phase_problems, stage_methods, stage_of
from liveops.stages.limits import RetryLimits, limits_for
from liveops.stages.machine import StageHost, make_stage
from liveops.stages.names import identifier, name_problems
from liveops.stages.selection import selection_problem, selects
from liveops.stages.states import StageState, outcome_of, without_unfinished

if TYPE_CHECKING:
    from liveops.stages.retrying import RetryStage

__all__ = [
    "Checkpoint",
    "Checkpoints",
    "RetryLimits",
    "RetryStage",
    "Stage",
    "StageHost",
    "StageState",
    "changes_since",
    "custom_phase_problems",
    "identifier",
    "limits_for",
    "make_stage",
    "name_problems",
    "outcome_of",
    "selection_problem",
    "selects",
    "stage_methods",
    "stage_of",
    "without_unfinished",
]


def __getattr__(name: str) -> Any:
    # Loaded on first use, and tenacity with it.
    if name == "RetryStage":
        return import_module("liveops.stages.retrying").RetryStage
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

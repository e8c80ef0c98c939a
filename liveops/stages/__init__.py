"""The stage rules, in pure Python: names, states and outcomes."""

from liveops.stages.names import identifier, name_problems
from liveops.stages.states import StageState, outcome_of

__all__ = ["StageState", "identifier", "name_problems", "outcome_of"]

"""Scripts made of stages, for the shell: the stage machine without Django and a database."""

from liveops.scripts.arguments import HelpFormatter
from liveops.scripts.phases import StageDuration
from liveops.scripts.script import StagedScript
from liveops.stages import RetryStage

__all__ = ["HelpFormatter", "RetryStage", "StageDuration", "StagedScript"]

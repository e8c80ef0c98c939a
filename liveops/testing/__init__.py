"""What projects test their operations with.

Nothing is loaded before it is asked for: pytest imports this package whether or not it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from liveops.testing.commands import Answer
    from liveops.testing.frames import Frame
    from liveops.testing.outcome import Outcome
    from liveops.testing.recording import RecordingProgress
    from liveops.testing.running import arun_operation, run_operation
    from liveops.testing.watch import Watch

__all__ = [
    "Answer",
    "Frame",
    "Outcome",
    "RecordingProgress",
    "Watch",
    "arun_operation",
    "run_operation",
]

_MODULES = {
    "Answer": "liveops.testing.commands",
    "Frame": "liveops.testing.frames",
    "Outcome": "liveops.testing.outcome",
    "RecordingProgress": "liveops.testing.recording",
    "Watch": "liveops.testing.watch",
    "arun_operation": "liveops.testing.running",
    "run_operation": "liveops.testing.running",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

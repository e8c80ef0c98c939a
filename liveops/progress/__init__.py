"""What user code holds while it runs, and what carries its progress to the watchers."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from liveops.exceptions import OperationCancelled

if TYPE_CHECKING:
    from liveops.progress.handle import Progress

__all__ = ["OperationCancelled", "Progress"]


def __getattr__(name: str) -> Any:
    # Loaded on first use: the pure modules of this package must be importable without Django.
    if name == "Progress":
        return import_module("liveops.progress.handle").Progress
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""How a script goes through its stages: what the stage machine asks and is told."""

import asyncio
import math
import sys
import time
from abc import abstractmethod
from collections.abc import Awaitable, Collection
from datetime import datetime
from typing import Any, Protocol

from tenacity import RetryError

from liveops.stages import RetryLimits, Stage, StageHost

RETRY_DEFAULTS = {"attempts": 0, "delay": 0, "timeout": 60}
"""How often a stage is tried again, after how many seconds, and for how many seconds at most."""


class Staged(Protocol):
    """What a host needs of a script."""

    current_stage: str
    stage_start_time: datetime
    script_success: bool
    _open_stages: "list[ScriptHost]"

    @property
    @abstractmethod
    def stages_to_run(self) -> Collection[str]:
        """Return the names of the stages that are not skipped."""


class ScriptHost(StageHost):
    """One passage of a script through one of its stages.

    Args:
        script: whose stage it is.
        is_async: whether the stage's body is ``async``, so that waiting must not block.
    """

    ending_errors = Exception
    forgives_retry_errors = True

    def __init__(self, script: Staged, *, is_async: bool) -> None:
        self._script = script
        self._is_async = is_async
        self._outer: ScriptHost | None = None
        self._before = (script.current_stage, script.stage_start_time)

    def selects(self, stage: Stage) -> bool:
        """Return whether the stage was asked for."""
        return stage.name in self._script.stages_to_run

    def limits(self, stage: Stage) -> RetryLimits:
        """Return what the script's attributes say now."""
        return retry_limits(self._script, stage.name)

    def wait(self, seconds: float) -> Awaitable[None] | None:
        """Sleep; the other tasks of an event loop go on meanwhile."""
        if self._is_async:
            return asyncio.sleep(seconds)
        time.sleep(seconds)
        return None

    def enter(self, stage: Stage) -> None:
        """Make it the current stage."""
        script = self._script
        self._outer = script._open_stages[-1] if script._open_stages else None
        script._open_stages.append(self)
        script.current_stage = stage.name

    def exhaust(self, error: RetryError) -> None:
        """Mark the script as failed; a handler of the error may take that back."""
        self._script.script_success = False

    def leave(
        self, *, skipped: bool, exhausted: RetryError | None, error: BaseException | None
    ) -> None:
        """Go back to the stage that called this one, if any; else this one stays the current."""
        script = self._script
        script._open_stages.remove(self)
        if self._outer in script._open_stages:
            script.current_stage, script.stage_start_time = self._before


def retry_limits(script: object, name: str) -> RetryLimits:
    """Return the limits of retrying a stage, from the attributes of its script.

    An attribute that is missing or None has its default. A negative number counts as 0, and an
    infinite one means that there is no such limit.
    """
    attempts, delay, timeout = (
        _given(script, f"{name}_retry_{field}", default)
        for field, default in RETRY_DEFAULTS.items()
    )
    return RetryLimits(
        attempts=math.ceil(min(max(attempts, 0), sys.maxsize - 1)),
        delay=max(delay, 0),
        timeout=None if timeout == math.inf else max(timeout, 0),
    )


def _given(script: object, attribute: str, default: int) -> Any:
    value = getattr(script, attribute, None)
    return default if value is None else value

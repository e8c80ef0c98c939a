"""An app that lets a test stop a process at an exact instant inside the package.

A site that has it among its `INSTALLED_APPS` stops at a named point in the course of every
operation for which that point is armed, and waits there until the test lets it go, or kills it.
The package itself knows nothing of this.
"""

import threading
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings

from tests.engines.steps import Steps
from tests.engines.variables import FOLDER

APP = "tests.engines.fault_points.FaultPoints"
_HELD = "held"
_Of = Callable[..., tuple[Any, str]]
"""Takes the arguments of a function; returns the operation's id and the name of the point."""


class FaultPoints(AppConfig):
    """Puts the points in when Django has loaded everything."""

    name = "tests.engines.fault_points"
    label = "fault_points"

    def ready(self) -> None:
        """Put in all points."""
        # Here: models can be loaded only now.
        from liveops import store  # noqa: PLC0415
        from liveops.progress.chaining import HandOver  # noqa: PLC0415
        from liveops.progress.passage import StagePassage  # noqa: PLC0415
        from liveops.progress.staged_run import StagedRun  # noqa: PLC0415
        from liveops.reaping import Reaper, Round  # noqa: PLC0415
        from liveops.store import running  # noqa: PLC0415

        _stop(store, "claim", lambda operation, **_: (operation.pk, "claimed"), after=True)
        _stop(store, "finish", lambda operation, *_, **__: (operation.pk, "finishing"))
        _stop(store, "finish", lambda operation, *_, **__: (operation.pk, "finished"), after=True)
        _stop(running, "_prune", lambda _, operation, *__: (operation.pk, "saving-lines"))
        _stop(
            StagedRun,
            "enter_stage",
            lambda run, change: (run.operation.pk, f"entering-{change.name}"),
        )
        _stop(
            StagePassage,
            "retry",
            lambda passage: (passage._run.operation.pk, "retrying"),
            after=True,
        )
        _stop(HandOver, "_committed", lambda over: (over._run.operation.pk, "chained"))
        _hold_back(Reaper, Round)


def _stop(owner: Any, name: str, of: _Of, *, after: bool = False) -> None:
    """Have a function stop at a point before, or after, it does its work."""
    function = getattr(owner, name)

    @wraps(function)
    def stopping(*args: Any, **kwargs: Any) -> Any:
        if after:
            returned = function(*args, **kwargs)
            _wait(*of(*args, **kwargs))
            return returned
        _wait(*of(*args, **kwargs))
        return function(*args, **kwargs)

    setattr(owner, name, stopping)


def _hold_back(reaper: Any, nothing: Callable[[], object]) -> None:
    """Have a reaper do nothing while a test holds it: see `hold_reaping`."""
    look = reaper.round

    @wraps(look)
    def looking(*args: Any, **kwargs: Any) -> Any:
        is_held = _reaping(Path(getattr(settings, FOLDER))).may_pass(_HELD)
        return nothing() if is_held else look(*args, **kwargs)

    reaper.round = looking


def hold_reaping(folder: Path) -> None:
    """Let a site take no run for dead, however long it gets no processor."""
    _reaping(folder).let_go(_HELD)


def go_on_reaping(folder: Path) -> None:
    """Let a site look for dead runs again."""
    _reaping(folder).hold(_HELD)


def _reaping(folder: Path) -> Steps:
    return Steps(folder, "reaping")


def _wait(operation: Any, point: str) -> None:
    steps = Steps(Path(getattr(settings, FOLDER)), operation)
    if not steps.may_pass(armed(point)):
        return
    steps.note_reached(point)
    pause = threading.Event()
    while not steps.may_pass(point):
        pause.wait(0.01)


def armed(point: str) -> str:
    """Return the file that arms a point, as the name of a step."""
    return f"{point}.armed"

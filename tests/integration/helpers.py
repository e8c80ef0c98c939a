"""Running an operation inside a test."""

from collections.abc import Callable, Sequence
from typing import Any

from liveops.models import LiveOperation
from liveops.progress.pumps import InlinePump, Pump
from liveops.runners.executor import execute
from liveops.sinks.recording import RecordingSink
from tests.testapp.models import AsyncScripted, Scripted


def run_scripted(
    body: Callable[..., Any],
    *,
    pump: Pump | None = None,
    sinks: Sequence[Any] = (),
    model: type[Scripted] | type[AsyncScripted] = Scripted,
    **fields: Any,
) -> tuple[Any, RecordingSink]:
    """Run a body as an operation; return it as stored, and what was shown."""
    recorder = RecordingSink()
    model.body = body
    operation: LiveOperation = model.objects.create(**fields)
    execute(operation, pump=pump or InlinePump(), sinks=[*sinks, recorder], web=False)
    return model.objects.get(pk=operation.pk), recorder

"""Metrics for Prometheus; their names and labels are documented in docs/how-to/observe.md."""

from functools import cache

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from liveops import events
from liveops.events import Event

_BUCKETS = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600)


class Metrics:
    """Counts events.

    Args:
        registry: where the metrics are registered; a name can be there only once.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._started = Counter(
            "liveops_operations_started",
            "Runs of operations that began, resumes and restarts among them.",
            ["type"],
            registry=registry,
        )
        self._ended = Counter(
            "liveops_operations_ended",
            "Operations that ended, also those that never ran.",
            ["type", "state"],
            registry=registry,
        )
        self._interrupted = Counter(
            "liveops_operations_interrupted",
            "Operations that were interrupted, and why.",
            ["type", "reason"],
            registry=registry,
        )
        self._attempts = Counter(
            "liveops_stage_attempts",
            "Attempts at stages that ended.",
            ["type", "stage", "outcome"],
            registry=registry,
        )
        self._seconds = Histogram(
            "liveops_stage_seconds",
            "How long stages took that were not skipped.",
            ["type", "stage"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._running = Gauge(
            "liveops_operations_running",
            "Operations that run in this process.",
            ["type"],
            registry=registry,
            multiprocess_mode="livesum",
        )

    def note(self, event: Event) -> None:
        """Count an event."""
        label = event.operation._meta.label
        match event.name:
            case "operation.claimed":
                self._started.labels(label).inc()
                self._running.labels(label).inc()
            case "operation.released":
                self._running.labels(label).dec()
            case "operation.finished":
                self._ended.labels(label, event.state).inc()
            case "operation.interrupted":
                self._ended.labels(label, event.state).inc()
                self._interrupted.labels(label, event.reason).inc()
            case "attempt.finished":
                self._attempts.labels(label, event.stage, event.outcome).inc()
            case "stage.finished" if event.outcome != "skipped":
                self._seconds.labels(label, event.stage).observe(event.seconds or 0.0)


@cache
def metrics(registry: CollectorRegistry) -> Metrics:
    """Return the metrics of a registry; they are made once."""
    return Metrics(registry)


def connect() -> None:
    """Count what happens in this process; once, however often it is called."""
    events.observe(metrics(REGISTRY).note)

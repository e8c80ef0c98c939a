"""What tests see of OpenTelemetry: the spans that ended."""

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer


def identity(span: ReadableSpan) -> int:
    """Return the id of a span."""
    context_of_span = span.get_span_context()
    assert context_of_span is not None
    return context_of_span.span_id


class Traced:
    """A provider of its own with all spans that ended.

    Attributes:
        tracer: for the spans of user code.
    """

    def __init__(self) -> None:
        provider = TracerProvider(shutdown_on_exit=False)
        self._exporter = InMemorySpanExporter()
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer: Tracer = provider.get_tracer("tests")

    @property
    def spans(self) -> list[ReadableSpan]:
        """The spans in the order in which they began."""
        return sorted(self._exporter.get_finished_spans(), key=lambda span: span.start_time or 0)

    def named(self, name: str) -> ReadableSpan:
        """Return the only span of a name."""
        (span,) = [span for span in self.spans if span.name == name]
        return span

    def tree(self) -> dict[str, str | None]:
        """Return the name of each span with the name of its parent."""
        names = {identity(span): span.name for span in self.spans}
        return {
            span.name: names.get(span.parent.span_id) if span.parent else None
            for span in self.spans
        }

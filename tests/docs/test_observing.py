"""The pages about signals, log records, spans and metrics say what there is."""

import ast
import json
import logging
import logging.config
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.dispatch import Signal
from prometheus_client import REGISTRY

from liveops import events, signals
from liveops.contrib import prometheus
from liveops.models import LiveOperation
from liveops.stages import StageState
from liveops.states import State
from tests.docs.pages import DOCS, blocks, files
from tests.docs.test_reference import table
from tests.testapp.models import Walk

SIGNALS = (DOCS / "reference/signals.md").read_text(encoding="utf-8")
OBSERVE = (DOCS / "how-to/observe.md").read_text(encoding="utf-8")

KINDS = {
    name: getattr(signals, name.title().replace("_", ""))
    for name, signal in vars(signals).items()
    if isinstance(signal, Signal)
}


def names(cell: str) -> set[str]:
    """Return the names in a cell, such as ``stage`, `attempt``."""
    return set(re.findall(r"\w+", cell))


def test_the_table_of_signals_has_every_signal_with_its_arguments() -> None:
    common = {"signal", "operation", "run_id"}
    expected = {name: set(kind.__required_keys__) - common for name, kind in KINDS.items()}
    assert {name: names(cell) for name, cell in table(SIGNALS, "signal").items()} == expected


def test_every_argument_is_explained() -> None:
    arguments = set().union(*(kind.__required_keys__ for kind in KINDS.values())) - {"signal"}
    assert set(table(SIGNALS, "argument")) == arguments


def test_every_reason_is_explained() -> None:
    assert list(table(SIGNALS, "reason")) == [reason.value for reason in signals.Reason]


def test_every_field_of_a_record_is_explained() -> None:
    event = events.Event("operation.claimed", Walk(), None)
    assert list(table(OBSERVE, "field")) == list(events._fields(event))


def test_every_message_is_listed_with_its_fields(json_lines: list[str]) -> None:
    operation, run = Walk(), uuid4()
    teller = events.StageTeller(operation, run, "Load")
    events.claimed(operation, run)
    teller.entered(is_skipped=False)
    teller.attempt_began(1)
    teller.attempt_ended(StageState.DONE, 1.0)
    teller.left(StageState.DONE, 1.0)
    events.finished(operation, run, State.FINISHED_OK)
    events.interrupted(operation, run, signals.Reason.REAPED)
    events.released(operation, run)
    written = [json.loads(line) for line in json_lines]
    always = {"liveops_event", "liveops_operation", "liveops_type", "liveops_run"}
    said = {
        line["message"]: {name for name in line if name.startswith("liveops_")} - always
        for line in written
    }
    heading = re.search(r"\| (message) \| fields", OBSERVE)
    assert heading is not None
    listed = table(OBSERVE, heading[1])
    assert {name: set(re.findall(r"liveops_\w+", cell)) for name, cell in listed.items()} == said
    assert {"time", "level", "logger"} <= set(written[0])


@pytest.fixture
def json_lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Return the lines that the configuration of the page writes."""
    found: list[str] = []

    class Stream:
        """Stands for the terminal."""

        def write(self, text: str) -> None:
            """Take a line."""
            found.extend(text.splitlines())

        def flush(self) -> None:
            """Do nothing."""

    parts: dict[str, Any] = {}
    for text in files("how-to/observe.md").values():
        exec(text, parts)  # noqa: S102  (the page's own code)
    configuration = parts["LOGGING"]
    configuration["formatters"]["json"]["()"] = parts["JSONFormatter"]
    configuration["handlers"]["console"]["stream"] = Stream()
    own = logging.getLogger("liveops")
    before = (own.level, own.propagate, list(own.handlers))
    logging.config.dictConfig(configuration)
    yield found
    own.setLevel(before[0])
    own.propagate, own.handlers = before[1], before[2]


def test_every_metric_is_listed_with_its_labels() -> None:
    made = vars(prometheus.metrics(REGISTRY)).values()
    expected = {}
    for metric in made:
        suffix = "_total" if metric._type == "counter" else ""
        expected[metric._name + suffix] = set(metric._labelnames)
    listed = table(OBSERVE, "metric")
    assert {name: names(cell) for name, cell in listed.items()} == expected


def test_every_attribute_of_a_span_is_listed() -> None:
    source = (DOCS.parent / "liveops/contrib/opentelemetry.py").read_text(encoding="utf-8")
    written = {
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and str(node.value).startswith("liveops.")
    }
    section = OBSERVE[OBSERVE.index("| span |") : OBSERVE.index("- Attempts are inside")]
    assert set(re.findall(r"`(liveops\.[\w.]+)`", section)) == written


def test_the_receiver_of_the_page_is_called() -> None:
    sent: list[tuple[Any, ...]] = []
    (text,) = blocks("reference/signals.md", "python")
    parts: dict[str, Any] = {"ImportAirports": Walk}
    for given in (
        "from django.core.mail import mail_admins",
        "from shop.models import ImportAirports",
    ):
        text = text.replace(f"{given}\n", "")
    exec(text, {**parts, "mail_admins": lambda *parts: sent.append(parts)})  # noqa: S102  (the page's own code)
    try:
        for sender in (Walk, LiveOperation):
            events.finished(sender(), None, State.FINISHED_ERROR, "The file is empty.")
        events.finished(Walk(), None, State.FINISHED_OK)
    finally:
        signals.operation_finished.receivers = []
        signals.operation_finished.sender_receivers_cache.clear()
    ((subject, message),) = sent
    assert subject.endswith("failed")
    assert message == "The file is empty."

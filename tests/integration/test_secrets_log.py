"""What ``liveops`` itself logs of troubles in a run: errors that were being handled come along."""

import logging
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from liveops import events, store
from liveops.progress import Progress
from liveops.progress.pumps import inline_pump, threaded_pump
from tests.integration.commands import MakePump
from tests.integration.helpers import run_scripted
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db(transaction=True)

VALUE = "hunter22"
PUMPS = pytest.mark.parametrize("pump", [inline_pump, threaded_pump], ids=["inline", "threaded"])
Body = Callable[[Any, Progress], None]


class Trouble:
    """Fails while it is switched on, wherever it is put."""

    def __init__(self) -> None:
        self.is_on = False

    def emit(self, *given: Any, **named: Any) -> None:
        """Take part as a sink, an observer or a function of the store."""
        if self.is_on:
            raise RuntimeError("broken")

    def close(self) -> None:
        """End as a sink."""


def failing(trouble: Trouble) -> Body:
    """Return what meets the trouble while it handles an error of its own."""

    def body(op: Any, p: Progress) -> None:
        p.mask(VALUE)
        p._run.flush()
        try:
            raise ValueError(VALUE)
        except ValueError:
            trouble.is_on = True
            with p.stage("Load"):
                p.log("more")
                p._run.flush()
            trouble.is_on = False

    return body


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """Return what the site's log has of liveops."""
    ours = [record for record in caplog.records if record.name.startswith("liveops")]
    assert not [record for record in ours if record.exc_info]
    return "\n".join(logging.Formatter().format(record) for record in ours)


@PUMPS
def test_a_broken_sink(pump: MakePump, caplog: pytest.LogCaptureFixture) -> None:
    trouble: Any = Trouble()
    run_scripted(failing(trouble), sinks=[trouble], pump=pump())
    assert "RuntimeError: broken" in logged(caplog)
    assert VALUE not in logged(caplog)


@PUMPS
def test_a_broken_store(
    pump: MakePump, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble, save = Trouble(), store.save_rows

    def save_rows(*given: Any, **named: Any) -> Any:
        was_on, trouble.is_on = trouble.is_on, False
        if was_on:
            raise TypeError("broken")
        return save(*given, **named)

    monkeypatch.setattr(store, "save_rows", save_rows)
    run_scripted(failing(trouble), pump=pump())
    assert "TypeError: broken" in logged(caplog)
    assert VALUE not in logged(caplog)


def test_a_broken_observer(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble()
    events.observe(trouble.emit)
    try:
        run_scripted(failing(trouble))
    finally:
        events.ignore(trouble.emit)
    assert "RuntimeError: broken" in logged(caplog)
    assert VALUE not in logged(caplog)


@pytest.mark.parametrize("host", ["", "https://elsewhere.example/"], ids=["error", "refused"])
def test_a_success_url_that_is_of_no_use(
    host: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def get_success_url(self: Scripted) -> str:
        if not host:
            raise LookupError(VALUE)
        return f"{host}?key={VALUE}"

    monkeypatch.setattr(Scripted, "get_success_url", get_success_url)
    run_scripted(lambda op, p: p.mask(VALUE))
    assert "get_success_url" in logged(caplog)
    assert "***" in logged(caplog)
    assert VALUE not in logged(caplog)


def test_of_another_run_an_error_is_logged_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    def outer(op: Any, p: Progress) -> None:
        p.mask(VALUE)
        run_scripted(lambda op, p: int("x"))

    run_scripted(outer)
    (record,) = [record for record in caplog.records if record.exc_info]
    assert record.args
    assert isinstance(record.args, tuple)
    assert isinstance(record.args[0], uuid.UUID)

"""Faults that were found by trying to break things, each in the place where it showed."""

import threading
import time
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, transaction

from liveops import hub, membership, store, watching
from liveops.layers import InMemoryChannelLayer
from liveops.progress import Progress
from liveops.progress.pumps import threaded_pump
from tests.integration.edge import Socket, asynchronous, person
from tests.integration.helpers import run_scripted
from tests.testapp.models import Row, Scripted

pytestmark = pytest.mark.django_db(transaction=True)


@asynchronous
async def test_a_membership_is_renewed_before_the_layer_forgets_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    layer = InMemoryChannelLayer(group_expiry=3)
    monkeypatch.setattr(membership, "channel_layer", lambda: layer)
    ours = membership.Membership(lambda message: None, lambda group: None)
    await ours.join("liveop.a")
    await ours.join("liveop.b")
    channel = ours._channel
    assert channel is not None
    expires = {group: layer._groups[group][channel] for group in ("liveop.a", "liveop.b")}
    now = time.monotonic()
    ours._joined = {"liveop.a": now - 1.5, "liveop.b": now}
    await ours.tend()
    assert layer._groups["liveop.a"][channel] > expires["liveop.a"]
    assert layer._groups["liveop.b"][channel] == expires["liveop.b"], "not due yet"
    assert ours._joined["liveop.a"] >= now


@asynchronous
async def test_a_subscription_that_fails_closes_its_socket_and_leaves_the_hub(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: Any) -> None:
        raise RuntimeError("a template of the project raises")

    owner = await sync_to_async(person)("owner")
    operation = await Scripted.objects.acreate(owner=owner)
    monkeypatch.setattr(watching, "look_up", broken)
    async with Socket(owner) as socket:
        await socket.say({"subscribe": {"op": str(operation.pk)}})
        closing = await socket.wire.receive_output(timeout=10)
        assert closing == {"type": "websocket.close", "code": 4500}
    assert not hub.current_hub()._watchers
    assert "a subscription failed" in caplog.text


def test_a_stage_in_a_helper_thread_does_not_wait_for_the_run_s_own_lock() -> None:
    saves: list[Any] = []

    def body(op: Scripted, p: Progress) -> None:
        def helper() -> None:
            with p.stage("Load"):
                p.log("from a helper")
            connection.close()

        with transaction.atomic():
            Row.objects.create(name="holds SQLite's write lock")
            original = op.save

            def noting(*args: Any, **more: Any) -> None:
                saves.append(more)
                original(*args, **more)

            op.__dict__["save"] = noting
            thread = threading.Thread(target=helper)
            thread.start()
            thread.join(15)  # a save would wait for twenty seconds
            assert not thread.is_alive()
            assert saves == [], "left to the next boundary"
            del op.__dict__["save"]
        with p.stage("Save"):
            pass

    operation, _ = run_scripted(body, pump=threaded_pump())
    assert operation.get_state() == "FINISHED_OK", operation.traceback
    assert operation.stage_states == {"Load": "done", "Save": "done"}


def test_writes_go_where_the_router_says(settings: Any) -> None:
    operation = Scripted.objects.create()
    operation._state.db = "replica"
    settings.DATABASE_ROUTERS = ["tests.integration.test_mended.Router"]
    assert store.alias_of(operation) == "default"


class Router:
    """Reads from a replica, writes to the default database."""

    def db_for_write(self, model: Any, **hints: Any) -> str:
        """Return the one database that may be written to."""
        return "default"

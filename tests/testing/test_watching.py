"""``Watch``: what somebody sees through a socket, in plain tests and in coroutines."""

import threading
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client, TransactionTestCase

from liveops import access
from liveops.routing import websocket_urlpatterns
from liveops.testing import Watch, arun_operation, run_operation
from tests.testapp.models import Scripted, Walk

pytestmark = pytest.mark.django_db


def test_the_owner_sees_all_of_it(ann: User) -> None:
    op = Walk.objects.create(items=1, owner=ann)
    with Watch(op, user=ann) as watch:
        assert watch.frames[0].is_snapshot
        assert watch.regions["op-status"] == "Waiting"
        run_operation(op)
        assert watch.until("FINISHED_OK").finished
        assert "Load done" in watch.until("Save running").regions["op-stages"]
        assert watch.until(lambda frame: "Save 0" in frame.lines).seq
        assert (watch.state, watch.refused) == ("FINISHED_OK", "")
        assert watch.lines == ["Load 0", "Validate 0", "Save 0"]
        assert watch.texts("op-status")[-1] == "Succeeded"


def test_a_stranger_is_refused_and_a_share_link_is_not(ann: User) -> None:
    op = Walk.objects.create(owner=ann)
    with Watch(op) as watch:
        assert (watch.refused, watch.state) == ("not_found", "")
        with pytest.raises(AssertionError, match="will not be seen: error not_found"):
            watch.until("FINISHED_OK")
    with Watch(op.pk, token=access.share(op)) as watch:
        assert watch.refused == ""


def test_a_wait_in_vain_tells_what_was_seen(ann: User) -> None:
    op = Walk.objects.create(items=1, owner=ann)
    with Watch(op, user=ann) as watch:
        with pytest.raises(AssertionError) as caught:
            watch.until("Sunshine", deadline=0.05)
        assert "'Sunshine' was not seen in 0.05 s." in str(caught.value)
        assert "op-status: Waiting" in str(caught.value)
        run_operation(op)  # the watch goes on
        with pytest.raises(AssertionError, match="It has ended FINISHED_OK, not CANCELLED"):
            watch.until("CANCELLED")


def test_a_chain_leads_on(ann: User) -> None:
    def body(op: Any, p: Any) -> None:
        p.chain_to(Walk.objects.create(items=1, owner=op.owner))

    Scripted.body = body
    op = Scripted.objects.create(owner=ann)
    with Watch(op, user=ann) as watch:
        outcome = run_operation(op)
        chain = watch.until(lambda frame: frame.chain).chain
    assert chain is not None
    assert outcome.chained is not None
    assert chain["op"] == str(outcome.chained.operation.pk)
    with Watch(chain["op"], token=chain["token"]) as watch:
        assert watch.until("FINISHED_OK").finished


def test_a_project_s_own_application_and_its_session(ann: User) -> None:
    client = Client()
    client.force_login(ann)
    cookie = client.cookies["sessionid"].value.encode()
    op = Walk.objects.create(owner=ann)
    application = AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
    with Watch(op, application=application, headers=[(b"cookie", b"sessionid=" + cookie)]) as watch:
        assert watch.refused == ""
    with Watch(op, application=application) as watch:
        assert watch.refused == "not_found"


def test_coroutines_and_the_connection_that_stays(ann: User) -> None:
    op = Walk.objects.create(items=1, owner=ann)

    async def main() -> None:
        async with Watch(op, user=ann) as watch:
            await arun_operation(op)
            await watch.auntil("FINISHED_OK")
            with pytest.raises(RuntimeError, match="async with"):
                Watch(op).open()

    async_to_sync(main)()
    assert "close_if_unusable_or_obsolete" not in vars(connection)
    assert Walk.objects.count() == 1


def test_nothing_is_left_behind(ann: User) -> None:
    op = Walk.objects.create(owner=ann)
    before = set(threading.enumerate())
    watch = Watch(op, user=ann).open()
    with pytest.raises(RuntimeError, match="Open the watch"):
        Watch(op).until("x")
    watch.close()
    watch.close()
    names = {thread.name for thread in set(threading.enumerate()) - before}
    assert "liveops-test-loop" not in names


class CommittedTests(TransactionTestCase):
    """Where commits are real."""

    def test_it_is_watched(self) -> None:
        ann = User.objects.create(username="ann")
        op = Walk.objects.create(items=1, owner=ann)
        with Watch(op, user=ann) as watch:
            run_operation(op)
            watch.until("FINISHED_OK")

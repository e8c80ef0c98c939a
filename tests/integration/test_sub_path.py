"""A site below a path of its host: where addresses lead that are made outside of requests."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connections
from django.test import Client, override_settings
from django.urls import reverse, set_script_prefix

from liveops import addresses
from liveops.progress import Progress
from tests.integration.edge import HeldRun, Socket
from tests.integration.helpers import run_scripted
from tests.integration.markup import fragments
from tests.testapp.models import Scripted

BELOW = override_settings(FORCE_SCRIPT_NAME="/shop")


def in_a_thread(function: Callable[[], object]) -> None:
    """Call a function where Django has set nothing, as in a new thread of a server."""

    def call() -> None:
        try:
            function()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(call).result(60)


@BELOW
def test_a_thread_of_its_own_makes_addresses_of_the_site() -> None:
    def look() -> None:
        assert reverse("liveops:list") == "/live/"
        addresses.adopt_script_prefix()
        assert reverse("liveops:list") == "/shop/live/"
        assert addresses.socket_path() == "/shop/ws/liveops/"

    in_a_thread(look)


def test_a_site_at_the_root_has_nothing_to_adopt() -> None:
    def look() -> None:
        addresses.adopt_script_prefix()
        assert addresses.socket_path() == "/ws/liveops/"

    in_a_thread(look)
    assert addresses.socket_routes() == ["ws/liveops/"]


def test_what_the_server_says_holds_unless_the_settings_say_more() -> None:
    def look() -> None:
        addresses.adopt_script_prefix("/below")
        assert addresses.socket_path() == "/below/ws/liveops/"

    in_a_thread(look)


@BELOW
def test_what_is_set_already_stays() -> None:
    def look() -> None:
        set_script_prefix("/other/")
        addresses.adopt_script_prefix()
        assert addresses.socket_path() == "/other/ws/liveops/"

    in_a_thread(look)


@BELOW
@pytest.mark.django_db(transaction=True)
def test_a_run_makes_addresses_of_the_site() -> None:
    made: list[str] = []

    def body(op: Scripted, p: Progress) -> None:
        made.append(op.get_absolute_url())

    in_a_thread(lambda: run_scripted(body))
    assert made[0].startswith("/shop/live/")


@BELOW
@pytest.mark.django_db(transaction=True)
def test_a_socket_sends_addresses_of_the_site(run: HeldRun, owner: Any) -> None:
    async def watch() -> dict[str, Any]:
        async with Socket(owner) as socket:
            frame: dict[str, Any] = await socket.subscribe(run.operation)
            return frame

    frame = Context().run(async_to_sync(watch))
    controls = fragments(frame["liveop_html"], frame["op"])["op-controls"]
    assert controls.one("form").attributes["action"].startswith("/shop/live/")


@BELOW
@pytest.mark.django_db
@pytest.mark.parametrize("address", ["liveops:list", "liveops:live"])
def test_pages_name_the_socket_of_the_site(address: str, admin_client: Client) -> None:
    operation = Scripted.objects.create()
    asked = reverse(address, args=[operation.pk] if address == "liveops:live" else [])

    def get() -> str:
        set_script_prefix("/shop/")  # as a server's handler does; that of the test client does not
        return admin_client.get(asked).content.decode()

    page = Context().run(get)
    assert 'data-liveop-socket="/shop/ws/liveops/"' in page
    assert 'data-liveop-socket="/ws/liveops/"' not in page


@BELOW
def test_the_socket_is_there_with_the_place_of_the_site_and_without() -> None:
    assert addresses.socket_routes() == ["ws/liveops/", "shop/ws/liveops/"]

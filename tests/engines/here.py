"""Making the test process a web process of a site: its database, its settings, its Celery."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import celery._state
from celery import Celery
from channels.layers import get_channel_layer
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.db import connections
from django.test import override_settings
from pytest_django.plugin import DjangoDbBlocker

from liveops import outages, reaping_thread, registry
from liveops.exceptions import OperationInterrupted
from liveops.progress import pumps
from liveops.runners import thread
from liveops.sinks import sender
from tests.engines.waiting import until

_FLUSH_SECONDS = 2.0  # a layer that is away does not hold up the end of a test


@contextmanager
def as_web_process(settings: Mapping[str, Any], blocker: DjangoDbBlocker) -> Iterator[None]:
    """Have this process work on a site until the block ends.

    Args:
        settings: those of the site, ``DATABASES`` among them.
        blocker: pytest-django's, which refuses the database to tests that did not ask for it.
    """
    others = {name: value for name, value in settings.items() if name != "DATABASES"}
    with (
        blocker.unblock(),
        override_settings(**others),
        _database(settings["DATABASES"]["default"]),
        _threads(),
        _celery(),
    ):
        yield


@contextmanager
def _database(config: Mapping[str, Any]) -> Iterator[None]:
    before, connection = connections.settings["default"], connections["default"]
    connections.settings["default"] = _complete(config)
    connections["default"] = connections.create_connection("default")
    try:
        yield
    finally:
        connections["default"].close()
        connections.settings["default"] = before
        connections["default"] = connection


def _complete(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a database with what Django adds to those in the settings."""
    databases: dict[str, Any] = connections.configure_settings({"default": dict(config)})
    complete: dict[str, Any] = databases["default"]
    return complete


@contextmanager
def _threads() -> Iterator[None]:
    """Give liveops new threads, as in a new process: the old ones hold another database."""
    _renew_threads()
    try:
        yield
    finally:
        for run in registry.everything():  # none is left of a test that passed
            run.request_stop(OperationInterrupted("The test is over."))
        until(lambda: not registry.everything(), what="the end of what runs in this process")
        reaping_thread._thread.stop()
        _close_layer()
        _renew_threads()


def _renew_threads() -> None:
    for module in (outages, pumps, reaping_thread, sender, thread):
        getattr(module, "_after_fork")()  # noqa: B009


def _close_layer() -> None:
    """Send what waits, and close the connections of the threads that send."""
    pumps.threaded_pump().call(pumps.threaded_pump()._direct.close)
    old = sender.sender()
    if (loop := old._loop) is None:
        return
    old.flush(_FLUSH_SECONDS)

    async def close() -> None:
        layer: Any = get_channel_layer()
        if isinstance(layer, RedisChannelLayer):
            await layer.close_pools()
        elif isinstance(layer, RedisPubSubChannelLayer):
            await layer.flush()  # closes its connections, and removes nothing

    asyncio.run_coroutine_threadsafe(close(), loop).result(10)


@contextmanager
def _celery() -> Iterator[None]:
    before = celery._state.default_app, celery._state._tls.current_app
    app = Celery("engines-here")  # it reads the settings when it is first used
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.set_default()
    try:
        yield
    finally:
        app.close()
        celery._state.default_app, celery._state._tls.current_app = before

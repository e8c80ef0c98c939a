"""gevent and eventlet are noticed without being imported, and refused."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from liveops.exceptions import ConfigurationError
from liveops.runners import patched


def gevent(*names: str) -> dict[str, Any]:
    return {"gevent.monkey": SimpleNamespace(is_module_patched=names.__contains__)}


def eventlet(*names: str) -> dict[str, Any]:
    return {"eventlet.patcher": SimpleNamespace(is_monkey_patched=names.__contains__)}


@pytest.mark.parametrize(
    ("modules", "library"),
    [
        ({}, None),
        (gevent(), None),
        (gevent("socket"), None),
        (gevent("socket", "threading"), "gevent"),
        (eventlet("socket"), None),
        (eventlet("socket", "thread"), "eventlet"),
    ],
    ids=["neither", "unpatched", "gevent sockets", "gevent", "eventlet sockets", "eventlet"],
)
def test_who_patched_the_threads(modules: dict[str, Any], library: str | None) -> None:
    assert patched.patched_by(modules) == library


def test_this_process_is_not_patched_and_nothing_is_imported_to_find_out() -> None:
    before = set(sys.modules)
    assert patched.check_patched() == []
    assert not {name for name in set(sys.modules) - before if name.startswith(("gevent", "event"))}


def test_a_patched_process_fails_its_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gevent.monkey", gevent("threading")["gevent.monkey"])
    (error,) = patched.check_patched()
    assert (error.id, error.level) == ("liveops.E010", 40)
    assert "gevent" in error.msg
    assert "--pool=prefork" in str(error.hint)


class Green:
    """Stands for a pool of greenlets."""

    __module__ = "celery.concurrency.gevent"


@pytest.mark.parametrize("pool", ["gevent", "eventlet", Green])
def test_a_pool_of_greenlets_is_refused(pool: Any) -> None:
    with pytest.raises(
        ConfigurationError, match=r"does not work in a worker with (gevent|eventlet)"
    ):
        patched.refuse_green_pool(pool)


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo", object])
def test_other_pools_are_welcome(pool: Any) -> None:
    patched.refuse_green_pool(pool)

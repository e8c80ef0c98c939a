"""Asking what a class of the project says, so that what fails in there fails alone."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import Model

T = TypeVar("T")

_OURS = "liveops"


def ask(row: Model, method: Callable[[], T]) -> T:
    """Return what a method of a row returns.

    A statement that fails makes PostgreSQL refuse all others of the same transaction, which a
    caller who goes on without the answer would take for a success. So a method that is not ours
    has a savepoint inside a transaction, such as that of ``ATOMIC_REQUESTS``.

    Args:
        row: whose method it is.
        method: a bound method, without arguments.
    """
    using = row._state.db or DEFAULT_DB_ALIAS
    is_ours = getattr(method, "__module__", "").partition(".")[0] == _OURS
    is_inside = not is_ours and connections[using].in_atomic_block
    with transaction.atomic(using) if is_inside else nullcontext():
        return method()

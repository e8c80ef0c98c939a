"""Errors: marked variables stay out of what is said of them, and watchers get a sentence only."""

import logging
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.functional import SimpleLazyObject
from django.views.decorators.debug import sensitive_variables

from liveops import rendering
from liveops.exceptions import OperationError
from liveops.models import CommandRun
from liveops.progress import Progress
from liveops.progress.failures import sensitive_values
from tests.integration.admin_pages import address, ended, staff
from tests.integration.helpers import run_scripted
from tests.testapp.models import AsyncScripted, Scripted

pytestmark = pytest.mark.django_db(transaction=True)

HIDDEN = "hunter22"
OPEN = "plain-text"


class Login:
    """Has marked variables in a method."""

    @sensitive_variables("password")
    def check(self, user: str, *, password: str) -> None:
        """Fail with both in the text."""
        raise ValueError(f"{user}: {password}")


@sensitive_variables("password", "token")
def by_local(user: str) -> None:
    """Fail with a variable that is no argument, in a function that is called."""
    token = HIDDEN.encode()
    _inner(user, token)


def _inner(user: str, secret: bytes) -> None:
    raise ValueError(user, secret)


@sensitive_variables()
def by_all(user: str) -> None:
    """Fail where all is marked."""
    password = HIDDEN
    raise ValueError(password)


@sensitive_variables("password")
def by_forgotten(user: str, password: str) -> None:
    """Fail once the variable has another value."""
    text, password = f"{user}: {password}", ""
    raise ValueError(text)


@sensitive_variables("password")
def by_caught(user: str, password: str) -> None:
    """Fail with an error behind an error behind an error, in a group."""
    try:
        _fail(f"{user} {password}")
    except ValueError as error:
        raise ExceptionGroup("several", [LookupError(user), error]) from None


def _fail(text: str) -> None:
    raise ValueError(text)


def by_wrapping(user: str) -> None:
    """Fail anew after a marked one."""
    try:
        by_forgotten(user, HIDDEN)
    except ValueError as error:
        raise RuntimeError(f"it failed: {error}") from None


@sensitive_variables("password")
async def by_coroutine(user: str) -> None:
    """Fail in a coroutine, which has no wrapper."""
    password = HIDDEN
    raise ValueError(f"{user}: {password!r}")


WAYS: list[Callable[[str], None]] = [
    lambda user: Login().check(user, password=HIDDEN),
    by_local,
    lambda user: by_forgotten(user, HIDDEN),
    lambda user: by_caught(user, HIDDEN),
    by_wrapping,
]
IDS = ["method", "local", "forgotten", "group", "wrapped"]


@pytest.mark.promise("secrets-sensitive-variables")
@pytest.mark.parametrize("fail", WAYS, ids=IDS)
def test_marked_variables_are_masked_in_the_traceback_and_in_the_log(
    fail: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    operation, recorder = run_scripted(lambda op, p: fail(OPEN))
    assert "***" in operation.traceback
    assert OPEN in operation.traceback
    assert HIDDEN not in operation.traceback
    assert HIDDEN not in repr(recorder.updates)
    (record,) = [record for record in caplog.records if record.name == "liveops"]
    assert record.exc_info is None
    assert OPEN in record.getMessage()
    assert HIDDEN not in record.getMessage()


def test_so_they_are_where_everything_is_marked() -> None:
    operation, _ = run_scripted(lambda op, p: by_all(OPEN))
    assert "ValueError: ***" in operation.traceback
    assert HIDDEN not in operation.traceback


def test_so_they_are_in_a_coroutine() -> None:
    async def body(op: AsyncScripted, p: Progress) -> None:
        await by_coroutine(OPEN)

    operation, _ = run_scripted(body, model=AsyncScripted)
    assert f"ValueError: {OPEN}: '***'" in operation.traceback
    assert HIDDEN not in operation.traceback


def test_so_they_are_in_the_sentence_and_in_a_captured_log() -> None:
    def body(op: Scripted, p: Progress) -> None:
        with p.capture_logging("shop"):
            try:
                by_forgotten(OPEN, HIDDEN)
            except ValueError as error:
                logging.getLogger("shop").exception("no login")
                raise OperationError(str(error)) from error

    operation, _ = run_scripted(body)
    assert operation.live_progress.error_text == f"{OPEN}: ***"
    log = "\n".join(operation.log_lines.values_list("text", flat=True))
    assert f"ValueError: {OPEN}: ***" in log
    assert HIDDEN not in log


def test_an_error_without_secrets_reaches_the_log_of_the_site_as_it_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    run_scripted(lambda op, p: _fail(OPEN))
    (record,) = [record for record in caplog.records if record.name == "liveops"]
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ValueError)


def test_an_error_whose_variables_may_hold_secrets_reaches_it_as_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def body(op: Scripted, p: Progress) -> None:
        p.mask(HIDDEN)
        _fail(OPEN)

    run_scripted(body)
    (record,) = [record for record in caplog.records if record.name == "liveops"]
    assert record.exc_info is None
    assert f"ValueError: {OPEN}" in record.getMessage()


def test_values_that_cannot_be_masked_are_left_alone() -> None:
    class Odd:
        def __repr__(self) -> str:
            raise AssertionError

    def refuse() -> str:
        raise AssertionError

    @sensitive_variables()
    def fail(odd: Odd, short: str, number: int, lazy: Any, *more: str) -> None:
        raise ValueError

    with pytest.raises(ValueError) as raised:  # noqa: PT011  (it has no text)
        fail(Odd(), "abc", 12345, SimpleLazyObject(refuse), "m0re")
    error = raised.value
    assert sensitive_values(error) == set()
    error.__cause__ = error.__context__ = error  # a ring is gone round once
    assert sensitive_values(error) == set()


@pytest.mark.promise("secrets-errors")
def test_who_may_not_debug_reads_a_sentence_and_the_number_only(client: Client) -> None:
    owner = User.objects.create_user("owner")
    operation, recorder = run_scripted(lambda op, p: _fail(HIDDEN), owner=owner)
    assert HIDDEN in operation.traceback
    client.force_login(owner)
    for path in ("?stay", "snapshot/", "log/", "log.txt"):
        response = client.get(f"/live/{operation.pk}/{path}")
        content = response.getvalue().decode()
        assert HIDDEN not in content, path
        if path in ("?stay", "snapshot/"):
            assert "unexpected error (ValueError)" in content
            assert str(operation.pk) in content
    assert client.get(f"/live/{operation.pk}/traceback/").status_code == 403
    frames = "".join(map(rendering.fragments, recorder.updates))
    assert HIDDEN not in frames
    assert "unexpected error (ValueError)" in frames


@pytest.mark.promise("secrets-commands")
@pytest.mark.parametrize(
    ("permission", "reads"), [("testapp.view_scripted", False), ("testapp.change_scripted", True)]
)
def test_recorded_commands_are_for_those_who_may_debug(
    client: Client, permission: str, reads: bool
) -> None:
    operation = ended(Scripted, "FINISHED_OK")
    times = {"started_on": operation.created_on, "finished_on": operation.created_on}
    CommandRun.objects.create(
        operation=operation, run_id=uuid.uuid4(), command=f"login {HIDDEN}", **times
    )
    client.force_login(staff("user", permission))
    response = client.get(address(operation))
    assert response.status_code == 200
    assert (HIDDEN in response.content.decode()) == reads

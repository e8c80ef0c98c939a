"""Every door to one operation: how it is tried, and what of the operation came out.

A door that is tried is `OPEN`: the operation is shown, or what was asked for was done. Or it is
`DENIED`: that there is such an operation is no secret to this visitor, but this is not allowed. Or
`HIDDEN`: the answer is that for an operation that does not exist, or holds nothing of it.
"""

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test import Client
from django.utils import timezone

from liveops.models import LiveOperation, LiveProgress, LogLine
from tests.testapp.models import Flaky, Walk

OPEN = "+"
DENIED = "x"
HIDDEN = "."
LENT = "p"
"""Shown by an author's page to whoever gets that page, without a way to the log or to steer."""

SECRET = "s3cret"
"""Stands in every text of an operation that is behind the doors."""


@dataclass
class Visitor:
    """Somebody at the doors.

    Attributes:
        client: a browser, with the cookies that it has.
        token: what a page of this visitor holds, if it has a page.
        user: the user of the session, as it is now.
        heard: what its sockets were answered, by id of an operation and by what they asked for.
    """

    client: Client = field(default_factory=Client)
    token: str = ""
    user: Any = field(default_factory=AnonymousUser)
    heard: dict[Any, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)


class House:
    """An operation behind doors; it runs. Its owner, and the operation that went on with it.

    That one is the visitor's own, or nobody's for a visitor without a session.
    """

    def __init__(self, owner: Any) -> None:
        self.owner = owner
        now = timezone.now()
        self.operation = Flaky.objects.create(
            owner=owner,
            folder=SECRET,
            started_on=now,
            traceback=f"ValueError: {SECRET}",
            result_context={"answer": SECRET},
        )
        LiveProgress.objects.create(operation=self.operation, status_text=SECRET)
        LogLine.objects.create(operation=self.operation, seq=1, time=now, text=SECRET)
        self.before = Walk.objects.create(
            started_on=now,
            finished_on=now,
            finished_successfully=True,
            next_operation=self.operation,
        )

    def let_fail(self) -> None:
        """Let the operation have failed."""
        LiveOperation.objects.filter(pk=self.operation.pk).update(finished_on=timezone.now())

    def give_to(self, user: Any) -> None:
        """Let somebody else own the operation."""
        LiveOperation.objects.filter(pk=self.operation.pk).update(owner=user)


@dataclass(frozen=True)
class Answer:
    """What came out of a door: a text to be searched, and what was done.

    Attributes:
        text: everything that the visitor got.
        status: of the response; of a frame, its error.
        acted: whether the operation was steered or deleted.
    """

    text: str
    status: Any = 200
    acted: bool = False

    def shows(self, operation: Any) -> bool:
        """Return whether anything of an operation is in the text."""
        return SECRET in self.text or str(operation.pk) in self.text

    def without(self, pk: Any) -> "Answer":
        """Return the answer as it is for any operation: without its id and what is random."""
        text = self.text.replace(str(pk), "<pk>")
        text = re.sub(r'(csrfmiddlewaretoken" value="|X-CSRFToken": ")\w+', r"\1", text)
        text = re.sub(r'data-liveop-now="[\d.]+"|"now": [\d.]+', "", text)
        return Answer(text, self.status, self.acted)


Try = Callable[[Visitor, Any], Answer]


@dataclass(frozen=True)
class Door:
    """One way in.

    Attributes:
        name: what it is called in a failure.
        attempt: tries it with the id of an operation.
        is_for_failed: whether it is about an operation that has failed.
        is_crowd: whether it is about many operations, not about the one that is asked for.
    """

    name: str
    attempt: Try
    is_for_failed: bool = False
    is_crowd: bool = False

    def try_as(self, visitor: Visitor, house: House) -> str:
        """Try the door; return what came of it, and check that a refusal gives nothing away."""
        operation = house.operation
        if self.is_for_failed:
            house.let_fail()
        with watched_writes() as writes:
            answer = self.attempt(visitor, operation.pk)
        if answer.acted:
            assert writes, self.name
            return OPEN
        assert writes == [], f"{self.name} changed something: {writes}"
        if answer.status in (200, LENT) and answer.shows(operation):
            return OPEN if answer.status == 200 else LENT
        assert SECRET not in answer.text, f"{self.name} gives something away"
        if self.is_crowd:
            assert not answer.shows(operation), f"{self.name} gives its id away"
            return HIDDEN
        if answer.status == 403 and answer.without(operation.pk) != self._of_nothing(visitor):
            return DENIED
        assert answer.without(operation.pk) == self._of_nothing(visitor), self.name
        return HIDDEN

    def _of_nothing(self, visitor: Visitor) -> Answer:
        pk = uuid.uuid4()
        return self.attempt(visitor, pk).without(pk)


@contextmanager
def watched_writes() -> Iterator[list[str]]:
    """Give the statements that write to tables of operations within the block."""
    found: list[str] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if re.match(r'(INSERT INTO|UPDATE|DELETE FROM) ["`](liveops|testapp)_', sql):
            found.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield found

"""What ends a subscription at once: every change of rights that Django tells of.

RECHECK_SECONDS is a minute here: nothing ends because its time has come.
"""

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import login, logout
from django.contrib.auth.models import Group, Permission, User
from django.db import transaction
from django.http import HttpRequest

from liveops import rights
from liveops.models import LiveOperation
from tests.integration.edge import HeldRun, Socket, asynchronous, person
from tests.integration.markup import fragments
from tests.integration.sessions import SessionSocket, closing, logged_in
from tests.testapp.models import Scripted

pytestmark = pytest.mark.django_db(transaction=True)

VIEW, CHANGE = "liveops.view_liveoperation", "liveops.change_liveoperation"

Change = Callable[[Any, Any], Any]


def permission(name: str) -> Permission:
    return Permission.objects.get(codename=name.partition(".")[2])


def crew(*permissions: str) -> Group:
    group = Group.objects.get_or_create(name="crew")[0]
    group.permissions.set([permission(name) for name in permissions])
    return group


def saved(one: Any, **values: Any) -> None:
    """Change some columns of a row, and save it as projects do."""
    row = type(one)._default_manager.get(pk=one.pk)
    for name, value in values.items():
        setattr(row, name, value)
    row.save()


async def is_cut_off(
    socket: Socket, run: HeldRun, witness: Socket, *, is_closed: bool = False
) -> None:
    """Wait until a socket is told that there is nothing, and see that it hears nothing more."""
    heard = await socket.hear_until(lambda frame: "error" in frame)
    assert (heard[-1]["op"], heard[-1]["error"]) == (str(run.operation.pk), "not_found")
    assert [frame for frame in heard[:-1] if "secret" in frame.get("liveop_html", "")] == []
    await run.ado(lambda p: p.status("a secret"))
    await witness.hear_until(lambda frame: "a secret" in frame.get("liveop_html", ""))
    if is_closed:
        assert await closing(socket) == 4403
    else:
        assert await socket.hear_rest() == []


CHANGES: dict[str, tuple[tuple[str, ...], Change]] = {
    "permission removed": ((VIEW,), lambda u, op: u.user_permissions.remove(permission(VIEW))),
    "permissions cleared": ((VIEW,), lambda u, op: u.user_permissions.clear()),
    "permissions set": ((VIEW,), lambda u, op: u.user_permissions.set([])),
    "permission's users": ((VIEW,), lambda u, op: permission(VIEW).user_set.remove(u)),
    "permission's users cleared": ((VIEW,), lambda u, op: permission(VIEW).user_set.clear()),
    "group left": ((), lambda u, op: u.groups.clear()),
    "group's users": ((), lambda u, op: crew(VIEW).user_set.remove(u)),
    "group's users cleared": ((), lambda u, op: crew(VIEW).user_set.clear()),
    "group's permissions": ((), lambda u, op: crew()),
    "group deleted": ((), lambda u, op: crew(VIEW).delete()),
    "inactive": ((VIEW,), lambda u, op: saved(u, is_active=False)),
    "no superuser any more": (("superuser",), lambda u, op: saved(u, is_superuser=False)),
    "user deleted": ((VIEW,), lambda u, op: User.objects.get(pk=u.pk).delete()),
    "somebody else's": (("owner",), lambda u, op: saved(op, owner=person("heir"))),
    "nobody's": (("owner",), lambda u, op: saved(LiveOperation(pk=op.pk), owner=None)),
}


CLOSING = ("inactive", "user deleted")
"""After these there is nobody any more who could watch anything over that socket."""


def prepared(rights: tuple[str, ...], operation: Any) -> User:
    """Return somebody who may watch an operation, by what a change takes away."""
    user = person("somebody", *(name for name in rights if "." in name))
    if not rights:
        user.groups.add(crew(VIEW))
    if "superuser" in rights:
        saved(user, is_superuser=True)
    if "owner" in rights:
        saved(operation, owner=user)
    return User.objects.get(pk=user.pk)


@pytest.mark.promise("socket-told")
@pytest.mark.parametrize("name", CHANGES)
@asynchronous
async def test_a_change_that_django_tells_of_ends_a_subscription_at_once(
    name: str, run: HeldRun
) -> None:
    rights, change = CHANGES[name]
    user = await sync_to_async(prepared)(rights, run.operation)
    root = await sync_to_async(person)("root", is_superuser=True)
    async with Socket(user) as socket, Socket(root) as witness:
        assert (await socket.subscribe(run.operation))["snapshot"]
        assert (await witness.subscribe(run.operation))["snapshot"]
        await sync_to_async(change)(user, run.operation)
        is_closed = name in CLOSING
        await is_cut_off(socket, run, witness, is_closed=is_closed)
        if not is_closed:
            assert (await socket.subscribe(run.operation))["error"] == "not_found"


@asynchronous
async def test_a_renamed_group_is_not_the_required_one_any_more(
    run: HeldRun, settings: Any
) -> None:
    settings.LIVEOPS = {"REQUIRED_GROUP": "crew", "RUNNER": "eager"}
    user = await sync_to_async(prepared)((), run.operation)
    root = await sync_to_async(person)("root", is_superuser=True)
    async with Socket(user) as socket, Socket(root) as witness:
        assert (await socket.subscribe(run.operation))["snapshot"]
        assert (await witness.subscribe(run.operation))["snapshot"]
        await sync_to_async(saved)(await Group.objects.aget(), name="old crew")
        await is_cut_off(socket, run, witness)


@asynchronous
async def test_an_operation_that_is_deleted_is_gone_for_all_who_watch(owner: Any) -> None:
    operation = await Scripted.objects.acreate(owner=owner)
    async with Socket(owner) as first, Socket(owner) as second:
        for socket in (first, second):
            assert (await socket.subscribe(operation))["snapshot"]
        await operation.adelete()
        for socket in (first, second):
            assert (await socket.hear())["error"] == "not_found"


@pytest.mark.promise("socket-logout")
@asynchronous
async def test_a_log_out_ends_the_sockets_of_that_session_and_no_others(
    run: HeldRun, owner: Any
) -> None:
    here, there = [await sync_to_async(logged_in)(owner) for _ in range(2)]
    async with (
        SessionSocket(here) as socket,
        SessionSocket(here) as listing,
        SessionSocket(there) as witness,
    ):
        assert (await socket.subscribe(run.operation))["snapshot"]
        assert (await witness.subscribe(run.operation))["snapshot"]
        await listing.say({"subscribe": {"list": ""}})
        assert (await listing.hear())["view"] == "list"
        await sync_to_async(here.logout)()
        refused = await listing.hear()
        assert (refused["view"], refused["error"]) == ("list", "not_found")
        assert await closing(socket) == 4403
        assert await closing(listing) == 4403
        await run.ado(lambda p: p.status("still shown"))
        assert "still shown" in (await witness.hear())["liveop_html"]


@asynchronous
async def test_a_log_in_as_somebody_else_ends_the_sockets_of_before(
    run: HeldRun, owner: Any, client: Any
) -> None:
    await sync_to_async(client.force_login)(owner)
    other = await sync_to_async(person)("other")

    def log_in() -> None:
        request = HttpRequest()
        request.session = client.session
        request.COOKIES = {name: cookie.value for name, cookie in client.cookies.items()}
        login(request, other)

    async with SessionSocket(client) as socket:
        assert (await socket.subscribe(run.operation))["snapshot"]
        await sync_to_async(log_in)()
        assert await closing(socket) == 4403


@asynchronous
async def test_a_new_password_ends_the_sockets_of_all_sessions(
    run: HeldRun, owner: Any, client: Any
) -> None:
    await sync_to_async(client.force_login)(owner)

    def renew() -> None:
        owner.set_password("another one")
        owner.save()

    async with SessionSocket(client) as socket:
        assert (await socket.subscribe(run.operation))["snapshot"]
        await sync_to_async(renew)()
        assert await closing(socket) == 4403


@asynchronous
async def test_who_logs_in_once_more_is_not_disturbed(run: HeldRun, owner: Any) -> None:
    client = await sync_to_async(logged_in)(owner)
    async with SessionSocket(client) as socket:
        assert (await socket.subscribe(run.operation))["snapshot"]
        await sync_to_async(logged_in)(owner)
        await run.ado(lambda p: p.status("still shown"))
        assert "still shown" in (await socket.hear())["liveop_html"]


@asynchronous
async def test_a_log_out_without_a_session_has_its_user_asked_for(run: HeldRun, owner: Any) -> None:
    """Send the signal as Channels does, whose log-out knows no request."""
    request = HttpRequest()
    request.user = owner
    async with Socket(owner) as socket:
        assert (await socket.subscribe(run.operation))["snapshot"]
        with pytest.raises(AttributeError):
            await sync_to_async(logout)(request)  # there is no session to flush
        await run.ado(lambda p: p.status("still shown"))
        assert "still shown" in (await socket.hear())["liveop_html"]


@pytest.mark.parametrize("gains", [True, False], ids=["gained", "lost"])
@asynchronous
async def test_who_may_steer_now_or_not_any_more_gets_a_new_snapshot(
    gains: bool, run: HeldRun
) -> None:
    user = await sync_to_async(person)("somebody", VIEW, *(() if gains else (CHANGE,)))
    change = await Permission.objects.aget(codename="change_liveoperation")
    async with Socket(user) as socket:
        frame = await socket.subscribe(run.operation)
        given = user.user_permissions
        await (given.aadd(change) if gains else given.aremove(change))
        after = await socket.hear()
    for shown, has_form in ((frame, not gains), (after, gains)):
        assert shown["snapshot"]
        controls = fragments(shown["liveop_html"], run.operation.pk)["op-controls"]
        assert bool(controls.all("form")) is has_form


@asynchronous
async def test_what_was_rolled_back_is_told_to_nobody(run: HeldRun, owner: Any) -> None:
    told: list[rights.News] = []
    rights.hear(told.append)

    def change(*, is_kept: bool) -> None:
        with transaction.atomic():
            for _ in range(3):
                saved(owner, first_name="New")
            saved(run.operation, owner=owner)
            if not is_kept:
                transaction.set_rollback(True)

    try:
        await sync_to_async(change)(is_kept=False)
        assert told == []
        await sync_to_async(change)(is_kept=True)
    finally:
        rights.ignore(told.append)
    assert [(news.users, news.operations) for news in told] == [
        (frozenset({str(owner.pk)}), frozenset())
    ], "once, and nothing of an owner that stays"

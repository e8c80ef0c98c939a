"""One operation goes on with the next, before the eyes of whoever watches."""

import json
import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, WebSocket, WebSocketRoute, expect

from tests.acceptance.conftest import Site
from tests.acceptance.live.conftest import (
    Started,
    Starter,
    assert_never_navigated,
    confirming,
    count_sockets,
    expect_live,
    expect_state,
    go,
    keep,
    mark,
    wait_for_state,
)

Visitor = Callable[..., Page]


def chained(start: Starter, **flight: Any) -> tuple[Started, str, str]:
    """Start a chain of three, each of which waits for "go"; give the first and the others' keys."""
    second, third = start.key(), start.key()
    arrival = {"key": third, "plan": [["wait", "go"], ["log", "landed"], ["result", {"gate": 7}]]}
    plan = [
        ["stage", "Climb", [["wait", "go"], ["log", "up"]]],
        ["stage", "Cruise", [["chain", "Arrival", arrival]]],  # from inside a stage
    ]
    first = start(
        "Departure",
        [
            ["log", "boarding"],
            ["stage", "Board", [["wait", "go"]]],
            ["stage", "Taxi", []],
            ["result", {"passengers": 180}],  # it has a result, and goes on all the same
            ["chain", "Flight", {"key": second, "plan": plan, **flight}],
        ],
    )
    return first, second, third


def expect_shown(page: Page, title: str, *, instead_of: str) -> str:
    """Wait until the page is all about another operation; return that one's id."""
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page).to_have_title(re.compile(rf"{title} [0-9a-f]{{8}}$"))
    expect(page.locator(f"#op-{instead_of}")).to_have_count(0)
    expect(page.locator("[data-liveop]")).to_have_count(1)
    pk = page.locator("[data-liveop]").get_attribute("data-liveop")
    assert pk is not None
    expect(page).to_have_url(re.compile(rf"/live/{pk}/$"))
    return pk


def heard(page: Page, *, from_page: bool) -> list[str]:
    """Return a list that fills with the frames that a page sends, or else receives."""
    frames: list[str] = []

    def take(frame: bytes | str) -> None:
        frames.append(str(frame))

    def listen(socket: WebSocket) -> None:
        if from_page:
            socket.on("framesent", take)
        else:
            socket.on("framereceived", take)

    page.on("websocket", listen)
    return frames


def test_three_operations_pass_without_a_reload(page: Page, start: Starter) -> None:
    sockets, sent = count_sockets(page), heard(page, from_page=True)
    first, second, third = chained(start)
    page.goto(first.url)
    expect(page.get_by_role("heading", level=1)).to_have_text("Departure")
    expect_live(page)
    mark(page)

    first.go("go")
    flight = expect_shown(page, "Flight", instead_of=first.pk)
    expect_live(page)
    expect(page.locator("#op-stages li")).to_have_count(3)
    expect(page.locator("#op-log")).not_to_contain_text("boarding")
    before = page.locator("#op-next a")
    expect(before).to_have_text("Continued from Departure")
    keep(page, "chained")

    go(first.site, second, "go")
    arrival = expect_shown(page, "Arrival", instead_of=flight)
    expect_live(page)
    go(first.site, third, "go")
    expect_state(page, "FINISHED_OK", arrival)
    expect(page.locator("#op-result")).to_contain_text("7")
    expect(page.locator("#op-log")).to_contain_text("landed")
    assert_never_navigated(page)
    assert len(sockets) == 1
    frames = [json.loads(text) for text in sent]
    assert [frame["subscribe"]["op"] for frame in frames if "op" in frame.get("subscribe", {})] == [
        first.pk,
        flight,
        arrival,
    ]
    left = [frame["unsubscribe"]["op"] for frame in frames if "op" in frame.get("unsubscribe", {})]
    assert left[:2] == [first.pk, flight]

    page.goto(first.url)
    expect(page.locator(f"#op-{arrival}")).to_be_visible()
    expect(page.locator("[data-liveop]")).to_have_count(1)
    page.goto(f"{first.url}?stay=1")
    expect(page.locator(f"#op-{first.pk} #op-result")).to_contain_text("180")
    expect(page.locator("#op-next a")).to_have_text("Went on with Arrival")


def test_the_controls_of_the_next_one_work(page: Page, start: Starter) -> None:
    first, _, _ = chained(start)
    page.goto(first.url)
    expect_live(page)
    mark(page)
    first.go("go")
    flight = expect_shown(page, "Flight", instead_of=first.pk)
    with confirming(page) as asked:
        page.get_by_role("button", name="Cancel").click()
        expect_state(page, "CANCELLED", flight)
    assert len(asked) == 1
    expect(page.locator("#op-stages li[data-state=cancelled]")).to_contain_text("Climb")
    assert_never_navigated(page)


def test_focus_does_not_get_lost_with_the_first_one(page: Page, start: Starter) -> None:
    first, _, _ = chained(start)
    page.goto(first.url)
    expect_live(page)
    page.locator("#op-log").focus()
    first.go("go")
    flight = expect_shown(page, "Flight", instead_of=first.pk)
    inside = f"() => document.querySelector('#op-{flight}').contains(document.activeElement)"
    page.wait_for_function(inside)


def test_who_was_away_during_the_hand_over_arrives(page: Page, start: Starter) -> None:
    first, second, _ = chained(start)
    sockets: list[WebSocketRoute] = []
    away = False

    def connect(socket: WebSocketRoute) -> None:
        if away:
            socket.close(code=3001)
        else:
            socket.connect_to_server()
            sockets.append(socket)

    page.route_web_socket("**/ws/liveops/", connect)
    page.goto(first.url)
    expect_live(page)
    mark(page)
    away = True
    for socket in sockets:
        socket.close(code=3001)
    first.go("go")
    go(first.site, second, "go")
    wait_for_state(first, "FINISHED_OK")
    away = False
    expect_shown(page, "Arrival", instead_of=first.pk)
    assert_never_navigated(page)


def test_who_may_not_see_the_next_one_is_told_that_it_went_on(
    visitor: Visitor, start: Starter
) -> None:
    first = start(
        "Departure",
        [
            ["stage", "Board", [["wait", "go"]]],
            ["chain", "Flight", {"key": start.key(), "plan": [["log", "secret"]], "owner": "demo"}],
        ],
        owner="guest",
    )
    page = visitor("guest")
    received = heard(page, from_page=False)
    page.goto(first.url)
    expect_live(page)
    mark(page)
    first.go("go")
    expect_state(page, "FINISHED_OK", first.pk)
    told = page.locator("#op-next")
    expect(told).to_have_text("It went on with another operation.")
    expect(told.locator("a")).to_have_count(0)
    assert_never_navigated(page)
    page.reload()
    expect(page.locator("#op-next")).to_have_text("It went on with another operation.")
    assert not [text for text in received if "Flight" in text or "liveop_chain" in text]
    assert "Flight" not in page.content()


def test_two_containers_of_a_chain_on_one_page(page: Page, start: Starter, site: Site) -> None:
    first, second, third = chained(start)
    other = start("Voyage", [["wait", "go"], ["log", "sailed"]])
    sockets = count_sockets(page)
    page.goto(f"/board/?op={first.pk}&op={other.pk}")
    expect(page.locator('[data-liveop][data-liveop-connection="live"]')).to_have_count(2)
    mark(page)
    address = page.url
    first.go("go")
    go(site, second, "go")
    go(site, third, "go")
    expect(page.locator("[aria-label=Arrival]")).to_have_attribute(
        "data-liveop-state", "FINISHED_OK"
    )
    expect(page.locator("[data-liveop]")).to_have_count(2)
    other.go("go")
    expect_state(page, "FINISHED_OK", other.pk)
    assert page.url == address, "the address is that of the page, not of an operation"
    assert_never_navigated(page)
    assert len(sockets) == 1

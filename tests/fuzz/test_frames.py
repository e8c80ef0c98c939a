"""Whatever a page sends on its socket: it is answered, or the socket is closed as documented."""

import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from hypothesis import given
from hypothesis import strategies as st

from liveops.protocol import MAX_QUERY
from tests.fuzz.cases import BATCH, batches
from tests.fuzz.hostile import TEXTS, json_object, json_texts, known_or, nested, texts
from tests.fuzz.wires import ERRORS, Wire, close_codes
from tests.fuzz.world import SECRET, World, rows

OWN, FOREIGN, NONE, TOKEN, FORGED = "«own»", "«foreign»", "«none»", "«token»", "«forged»"
"""What stands in a frame for the ids and tokens of a world, which differ from run to run."""

OPS = [OWN, FOREIGN, NONE, f"{{{OWN}}}", f"urn:uuid:{OWN}", f" {OWN}", OWN * 2, FOREIGN[:-1]]
actions = st.sampled_from(["subscribe", "unsubscribe"])


def members(**values: st.SearchStrategy[str]) -> st.SearchStrategy[list[tuple[str, str]]]:
    """Return members of an object, each there or not, some twice, in any order."""
    one = st.one_of(
        *(st.tuples(st.just(json.dumps(name)), value) for name, value in values.items()),
        st.tuples(texts.map(json.dumps), json_texts),
    )
    return st.lists(one, min_size=1, max_size=4)


def frames_of(body: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return frames with a body, most of them of the form that the protocol knows."""
    action = actions.map(json.dumps) | texts.map(json.dumps)
    pair = st.tuples(actions.map(json.dumps), body)
    return st.one_of(
        pair.map(lambda one: json_object([one])),
        pair.map(lambda one: json_object([one])),
        st.lists(st.tuples(action, body), max_size=3).map(json_object),
    )


operations = frames_of(
    members(
        op=known_or([*OPS, OWN, FOREIGN], json_texts),
        token=known_or([TOKEN, FORGED, TOKEN[:-1], ""], json_texts),
        log_after=json_texts,
    ).map(json_object)
)
lists = frames_of(
    members(
        list=known_or(["", "page=2", "q=Walk", "state=STARTED", "q=" + "a" * MAX_QUERY], json_texts)
        | st.tuples(
            st.sampled_from(["page", "q", "state", "type", "owner", "model", "", "x"]), texts
        ).map(lambda pair: json.dumps("=".join(pair))),
        badge=known_or([True, False], json_texts),
        language=known_or(["de", "en-gb", "x" * 600, *TEXTS], json_texts),
        zone=known_or(["Europe/Berlin", "/etc/passwd", "../x", "Europe", *TEXTS], json_texts),
        mark=json_texts,
        op=known_or(OPS, json_texts),
    ).map(json_object)
)
other = st.one_of(json_texts, nested, texts, st.binary(max_size=40))


async def play(world: World, user: Any, frames: list[str | bytes]) -> None:
    """Say frames on a socket, each of which is answered, and in the end something sensible."""
    stand_ins = {
        OWN: str(world.own[0].pk),
        FOREIGN: str(world.foreign[0].pk),
        NONE: world.ids()[-1],
        TOKEN: world.own[0].subscription_token,
        FORGED: world.foreign[0].subscription_token[:-2] + "AA",
    }
    probe, left = str(world.probe.pk), [filled(frame, stand_ins) for frame in frames]
    while left:
        async with Wire(user) as wire:
            while left and await wire.try_frame(left[0]):
                left.pop(0)
            token = world.probe.subscription_token
            wire.say(json.dumps({"subscribe": {"op": probe, "token": token}}))
            if not await wire.hears(lambda frame: frame.get("snapshot") and frame["op"] == probe):
                assert wire.closed in close_codes(), left.pop(0)
        assert {one["error"] for one in wire.heard if "error" in one} <= ERRORS
        assert all(one["detail"].endswith(".") for one in wire.heard if "error" in one)
        assert SECRET not in json.dumps(wire.heard)


def filled(frame: str | bytes, stand_ins: dict[str, str]) -> str | bytes:
    """Return a frame with what its stand-ins stand for; JSON may have escaped them."""
    if isinstance(frame, bytes):
        return frame
    for name, value in stand_ins.items():
        frame = frame.replace(json.dumps(name)[1:-1], value)
    return frame


def batch(frame: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Return as many frames as one socket takes."""
    return st.lists(frame, min_size=BATCH, max_size=BATCH)


@pytest.mark.promise("fuzzed-frames")
def test_no_frame_breaks_a_socket(world: World) -> None:
    before, users = rows(), [world.people[name] for name in ("owner", "stranger", "anonymous")]

    @batches("test_frames.py::test_no_frame_breaks_a_socket")
    @given(batch(operations | operations | other), st.sampled_from(users))
    def holds(frames: list[Any], user: Any) -> None:
        async_to_sync(play)(world, user, frames)

    holds()
    assert rows() == before


def test_no_frame_about_a_list_breaks_a_socket(world: World) -> None:
    before, users = rows(), [world.people[name] for name in ("owner", "stranger", "anonymous")]

    @batches("test_frames.py::test_no_frame_about_a_list_breaks_a_socket")
    @given(batch(lists | lists | operations), st.sampled_from(users))
    def holds(frames: list[Any], user: Any) -> None:
        async_to_sync(play)(world, user, frames)

    holds()
    assert rows() == before

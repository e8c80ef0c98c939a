"""What it costs to hand a frame to one more socket, counted in calls: the same on any machine."""

import sys
from typing import Any

import pytest

from liveops.hub import current_hub
from tests.integration.crowds import ask, crowd, watchers
from tests.integration.edge import HeldRun, asynchronous

pytestmark = pytest.mark.django_db(transaction=True)

MOST_CALLS = 24
"""Of Python and C functions for one delivery, without those of the server."""


@asynchronous
async def test_a_delivery_costs_few_calls_and_wakes_no_task(run: HeldRun, owner: Any) -> None:
    sent: list[str] = []

    async def take(frame: Any) -> None:
        sent.append(frame["text"])

    def message(number: int) -> dict[str, Any]:
        return {
            "op": str(run.operation.pk),
            "seq": number,
            "log_seq": 0,
            "text": f"frame {number}",
            "state": "STARTED",
            "controls": False,
            "finished": "",
        }

    async with crowd(*[owner] * 20) as sockets:
        await ask(sockets, run.operation)
        for socket in sockets:
            await socket.hear()
        kept = {consumer: consumer._send_frame for consumer in watchers()}
        calls: list[str] = []
        for consumer in kept:
            consumer._send_frame = take
        frames = [message(1_000 + number) for number in range(10)]
        deliver = current_hub()._take
        sys.setprofile(lambda frame, event, arg: calls.append(event))
        for frame in frames:
            deliver(frame)
        sys.setprofile(None)
        for consumer, send in kept.items():
            consumer._send_frame = send
    assert len(sent) == 200, "before anything else has had its turn"
    made = sum(event in ("call", "c_call") for event in calls)
    assert made / 200 <= MOST_CALLS

"""The consumer that people write without us: the contender.

Each socket has a channel of its own and joins the operation's group itself. Who is there and what
they may see is looked up as ours does: session and user by the same middleware, then the operation
and its ``can_view()``. The first message has the operation's state and is sent at once, without
being asked for; each message of the group is encoded and sent by each socket for itself. There is
no log, no number, no snapshot, nothing that heals, and a slow reader is waited for.
"""

import uuid
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.utils.html import format_html

from liveops.models import LiveOperation


def group_of(pk: object) -> str:
    """Return the group of an operation."""
    return f"bare.{pk}"


class BareConsumer(AsyncJsonWebsocketConsumer):
    """Forwards what is sent to the group of one operation."""

    async def connect(self) -> None:
        """Take whoever may see the operation."""
        pk = self.scope["url_route"]["kwargs"]["pk"]
        self.group = group_of(pk)
        html = await database_sync_to_async(self._state_of)(pk)
        if not html:
            await self.close()
            return
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()
        await self.send_json({"html": html})

    async def disconnect(self, code: int) -> None:
        """Leave the group."""
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def frame(self, message: dict[str, Any]) -> None:
        """Forward a message."""
        await self.send_json({"html": message["html"]})

    def _state_of(self, pk: uuid.UUID) -> str:
        operation = LiveOperation.objects.filter(pk=pk).first()
        if operation is None or not operation.can_view(self.scope["user"]):
            return ""
        return format_html('<p id="status">{}</p>', operation.get_state())

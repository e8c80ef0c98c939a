"""The web sink: an update becomes one frame for every watcher, through the channel layer."""

import json

from django.utils import translation

from liveops import rendering
from liveops.layers import channel_layer
from liveops.models import LiveOperation
from liveops.progress.update import Finished, Region, Update
from liveops.redirects import told_url
from liveops.sinks.sender import Sender, sender

_quoted = json.JSONEncoder().encode  # json.dumps() makes an encoder of its own for a dict


class WebSink:
    """Renders an update once, encodes it once, and hands it to the sender.

    Args:
        through: what sends; the process's own sender if left out.

    Attributes:
        may_wait: user code need not wait until an update is rendered.
    """

    may_wait = True

    def __init__(self, through: Sender | None = None) -> None:
        self._sender = through or sender()
        self._mould = rendering.StatusMould()

    @staticmethod
    def available() -> bool:
        """Return whether the project has a channel layer."""
        return channel_layer() is not None

    def emit(self, update: Update) -> None:
        """Send an update to the operation's group."""
        operation = update.operation
        html = self._mould.fill(update)
        if html is None:
            with translation.override(operation.language):
                html = rendering.fragments(update)
        pk = str(operation.pk)
        message = {
            "type": "liveop.frame",
            "op": pk,
            "seq": update.seq,
            "log_seq": update.lines[-1].seq if update.lines else 0,
            "text": f'{{"op": "{pk}", "seq": {update.seq}, "liveop_html": {_quoted(html)}}}',
            "state": update.view.state,
            "cancel_requested": update.view.cancel_requested,
            "controls": Region.CONTROLS in update.regions,
            "resumes_with": rendering.resumes_with(operation, update.view),
            "finished": _finished_text(pk, operation, update.finished),
            "chained": update.finished is not None and update.finished.following is not None,
        }
        self._sender.send(operation.get_channel_name(), message)

    def close(self) -> None:
        """Nothing to release: the sender serves the whole process."""


def _finished_text(pk: str, operation: LiveOperation, finished: Finished | None) -> str:
    if finished is None:
        return ""
    url = told_url(operation)
    body = {"state": finished.state, "url": url, "success_url": finished.success_url}
    return json.dumps({"op": pk, "liveop_finished": body})

"""The controls, which depend on who watches."""

import uuid

from django.urls import reverse
from django.utils.safestring import SafeString

from liveops.rendering.common import render


def controls_html(
    pk: uuid.UUID,
    state: str,
    *,
    can_control: bool,
    can_debug: bool,
    cancel_requested: bool,
    csrf_token: str = "",
) -> SafeString:
    """Return the controls for one kind of watcher."""
    return render(
        "_controls",
        op_pk=pk,
        state=state,
        can_control=can_control,
        can_debug=can_debug,
        cancel_requested=cancel_requested,
        csrf_token=csrf_token,
        cancel_url=reverse("liveops:cancel", kwargs={"pk": pk}),
        restart_url=reverse("liveops:restart", kwargs={"pk": pk}),
        traceback_url=reverse("liveops:traceback", kwargs={"pk": pk}),
    )

"""The live container of an operation, as one watcher may see it: for pages, and for chains."""

import time
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.safestring import SafeString, mark_safe

from liveops import access, rendering, snapshot
from liveops.chain import follow
from liveops.models import LiveOperation
from liveops.progress.update import Region
from liveops.protocol import SOCKET_PATH
from liveops.states import State


def container_html(
    operation: LiveOperation, user: Any, *, csrf_token: str = "", replaces: Any = None
) -> SafeString:
    """Return the container of an operation that :func:`liveops.snapshot.find` returned just now.

    Args:
        operation: the specific instance.
        user: the watcher, who decides the controls and what is said of a chain; None is nobody.
        csrf_token: for the forms of a page; a container that is pushed takes over that of the page.
        replaces: id of the operation whose container on the page this one is to take the place of.
    """
    pk, can_view = operation.pk, operation.can_view(user)
    with translation.override(operation.language):
        taken, now = snapshot.take(operation), time.time()
        view = taken.view
        regions = {
            region.value: rendering.region_html(region, taken.operation, view, now=now)
            for region in (Region.STATUS, Region.PROGRESS, Region.STAGES, Region.RESULT)
        }
        return render_to_string(
            "liveops/_operation.html",
            {
                "op": taken.operation,
                "pk": pk,
                "replaces": replaces,
                "title": rendering.title_of(operation),
                "state": view.state,
                "finished": State(view.state).is_final,
                "now": f"{now:.3f}",
                "socket_path": SOCKET_PATH,
                "token": operation.subscription_token,
                "snapshot_url": reverse("liveops:snapshot", kwargs={"pk": pk}),
                "log_url": reverse("liveops:log", kwargs={"pk": pk}) if can_view else "",
                "download_url": reverse("liveops:log_text", kwargs={"pk": pk}) if can_view else "",
                "csrf_token": csrf_token,
                "extra": mark_safe(view.swaps.get("#op-extra", "")),  # noqa: S308
                "swaps": rendering.swap_fragments(pk, view),
                "log": rendering.log_html(taken.operation, view, taken.lines, taken.first_line),
                "next": next_html(operation, user),
                "controls": rendering.controls_html(
                    pk,
                    view.state,
                    can_control=operation.can_control(user),
                    can_debug=access.can_debug(operation, user),
                    cancel_requested=view.cancel_requested,
                    resumes_with=rendering.resumes_with(operation, view),
                    csrf_token=csrf_token,
                ),
                **regions,
            },
        )


def page_head_html(operation: LiveOperation, *, replaces: Any = None) -> SafeString:
    """Return the head of an operation's page; ``replaces`` as for :func:`container_html`."""
    context = {"op": operation, "title": rendering.title_of(operation), "replaces": replaces}
    with translation.override(operation.language):
        return render_to_string("liveops/_page_head.html", context)


def next_html(operation: LiveOperation, user: Any) -> SafeString:
    """Return what a watcher is told of the operations before and after this one in its chain.

    Of one that the watcher may not see nothing is said but that the operation went on.
    """
    before = LiveOperation.objects.filter(next_operation=operation.pk).first()
    before = snapshot.find(before.pk) if before is not None else None
    if before is not None and not before.can_view(user):
        before = None
    after = follow(operation, lambda following: following.can_view(user))
    return render_to_string(
        "liveops/_next.html",
        {
            "before": before,
            "before_title": rendering.title_of(before) if before is not None else "",
            "after": after.operation if after.operation.pk != operation.pk else None,
            "after_title": rendering.title_of(after.operation),
            "goes_on": after.is_hidden,
        },
    )

"""The live container of an operation, as one watcher may see it: for pages, and for chains."""

import time
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.safestring import SafeString, mark_safe

from liveops import access, redirects, rendering, snapshot, tokens
from liveops.access import Grant
from liveops.addresses import socket_path
from liveops.chain import follow
from liveops.models import LiveOperation
from liveops.progress.update import Region
from liveops.snapshot import Snapshot
from liveops.states import State


def container_html(
    taken: Snapshot,
    user: Any,
    *,
    grant: Grant | None = None,
    csrf_token: str = "",
    replaces: Any = None,
) -> SafeString:
    """Return the container of an operation.

    Args:
        taken: what the operation is like now.
        user: the watcher, who decides the controls and what is said of a chain; None is nobody.
        grant: why the watcher may see it. Left out, that is the user's permission; without that it
            is the decision of whoever has the page shown.
        csrf_token: for the forms of a page; a container that is pushed takes over that of the page.
        replaces: id of the operation whose container on the page this one is to take the place of.
    """
    operation, view, now = taken.operation, taken.view, time.time()
    pk = operation.pk
    grant = grant or access.admit(operation, user) or Grant("page", tokens.for_page(pk))
    has_log = grant.kind in ("session", "share")
    with translation.override(operation.language):
        regions = {
            region.value: rendering.region_html(region, operation, view, now=now)
            for region in (Region.STATUS, Region.PROGRESS, Region.STAGES, Region.RESULT)
        }
        return render_to_string(
            "liveops/_operation.html",
            {
                "op": operation,
                "pk": pk,
                "replaces": replaces,
                "title": rendering.title_of(operation),
                "state": view.state,
                "finished": State(view.state).is_final,
                "now": f"{now:.3f}",
                "socket_path": socket_path(),
                "token": grant.token,
                "snapshot_url": reverse("liveops:snapshot", kwargs={"pk": pk}),
                "log_url": reverse("liveops:log", kwargs={"pk": pk}) if has_log else "",
                "download_url": reverse("liveops:log_text", kwargs={"pk": pk}) if has_log else "",
                "csrf_token": csrf_token,
                "extra": mark_safe(view.swaps.get("#op-extra", "")),  # noqa: S308  (p.html() is the one trusted door)
                "swaps": rendering.swap_fragments(pk, view),
                "log": rendering.log_html(operation, view, taken.lines, taken.first_line),
                "next": next_html(operation, user),
                "controls": rendering.controls_html(
                    pk,
                    view.state,
                    can_control=grant.can_control,
                    can_debug=grant.can_debug,
                    cancel_requested=view.cancel_requested,
                    resumes_with=rendering.resumes_with(operation, view),
                    csrf_token=csrf_token,
                ),
                **regions,
            },
        )


def page_head_html(
    operation: LiveOperation, *, replaces: Any = None, is_guest: bool = False
) -> SafeString:
    """Return the head of an operation's page; ``replaces`` as for :func:`container_html`.

    For somebody who ``is_guest`` nothing leads to the list, which is not for them.
    """
    context = {
        "op": operation,
        "title": rendering.title_of(operation),
        "replaces": replaces,
        "is_guest": is_guest,
    }
    with translation.override(operation.language):
        return render_to_string("liveops/_page_head.html", context)


def next_html(operation: LiveOperation, user: Any) -> SafeString:
    """Return what a watcher is told of the operations before and after this one in its chain.

    Of one that the watcher may not see nothing is said but that the operation went on.
    """
    before = LiveOperation.objects.filter(next_operation=operation.pk).first()
    before = snapshot.find(before.pk) if before is not None else None
    if before is not None and not access.may_watch(before, user):
        before = None
    after = follow(operation, lambda following: access.may_watch(following, user))
    return render_to_string(
        "liveops/_next.html",
        {
            "before": before,
            "before_url": redirects.live_url(before, stay=True) if before is not None else "",
            "before_title": rendering.title_of(before) if before is not None else "",
            "after": after.operation if after.operation.pk != operation.pk else None,
            "after_url": redirects.live_url(after.operation),
            "after_title": rendering.title_of(after.operation),
            "goes_on": after.is_hidden,
        },
    )

"""The controls, which depend on who watches; and what is said of those who used them."""

import uuid
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from liveops.exceptions import UnknownOperationTypeError
from liveops.progress.text import clean
from liveops.progress.view import ControlAction, View
from liveops.rendering.common import render
from liveops.stages import StageState, selects, stage_methods
from liveops.states import RESUMABLE_STATES, State

if TYPE_CHECKING:
    from liveops.models import LiveOperation


def controls_html(
    pk: uuid.UUID,
    state: str,
    *,
    can_control: bool,
    can_debug: bool,
    cancel_requested: bool,
    resumes_with: str | None = None,
    csrf_token: str = "",
) -> SafeString:
    """Return the controls for one kind of watcher.

    Args:
        pk: the operation.
        state: what it is in.
        can_control: whether the watcher may cancel, resume and restart.
        can_debug: whether the watcher may read tracebacks.
        cancel_requested: whether it was asked to stop.
        resumes_with: what :func:`resumes_with` returned.
        csrf_token: for the forms of a page.
    """
    return render(
        "_controls",
        op_pk=pk,
        state=state,
        can_control=can_control,
        can_debug=can_debug,
        can_resume=resumes_with is not None,
        cancel_requested=cancel_requested,
        resumes_with=resumes_with,
        csrf_token=csrf_token,
        cancel_url=reverse("liveops:cancel", kwargs={"pk": pk}),
        restart_url=reverse("liveops:restart", kwargs={"pk": pk}),
        resume_url=reverse("liveops:resume", kwargs={"pk": pk}),
        traceback_url=reverse("liveops:traceback", kwargs={"pk": pk}),
    )


def resumes_with(operation: "LiveOperation", view: View) -> str | None:
    """Return the stage that a resume would go on with; None if there is none to be had.

    It is empty if nothing but what follows the last stage is left to do.
    """
    if view.state not in RESUMABLE_STATES:
        return None
    try:
        model = operation.specific_class()
    except UnknownOperationTypeError:
        return None
    methods = {stage.name for stage in stage_methods(model).values()}
    if not methods:
        return None
    done = {name for name in methods if view.stage_states.get(name) == StageState.DONE}
    wanted = [name for name in model.stages if selects(operation.stages_to_run, name)]
    return next((clean(name) for name in wanted if name not in done), "")


def action_context(action: ControlAction, *, took_effect: bool = True) -> dict[str, Any]:
    """Return an action with a phrase that says what was done and by whom.

    Args:
        action: the action.
        took_effect: of a cancel: whether the operation stopped because of it.
    """
    by = clean(action.by)
    if action.action == "resume":
        text = _("Resumed by %(user)s") if by else _("Resumed")
    elif action.action == "go_on":
        text = _("Went on by itself after an interruption")
    elif action.action == "restart":
        text = _("Started again by %(user)s") if by else _("Started again")
    elif took_effect:
        text = _("Cancelled by %(user)s") if by else _("Cancelled")
    else:
        text = _("Asked to cancel by %(user)s") if by else _("Asked to cancel")
    return {"action": action.action, "by": by, "at": action.at, "text": text % {"user": by}}


def cancelling_text(view: View) -> str:
    """Return what the status says until a run has stopped that was asked to."""
    by = view.actions[-1].by if view.actions and view.actions[-1].action == "cancel" else ""
    return _("Cancelling… (asked by %(user)s)") % {"user": clean(by)} if by else _("Cancelling…")


def actions_context(view: View) -> dict[str, Any]:
    """Return what ``liveops/_result.html`` is told of those who steered the operation.

    The cancel that ended it stands apart: it belongs to the outcome.
    """
    actions = list(view.actions)
    last = actions.pop() if actions and actions[-1].action == "cancel" else None
    cancelled = view.state == State.CANCELLED
    shown = [action_context(action) for action in actions]
    if last is not None and not cancelled:
        shown.append(action_context(last, took_effect=False))
    ending = action_context(last) if last is not None and cancelled else None
    return {"actions": shown, "cancelled": ending}

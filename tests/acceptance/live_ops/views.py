"""Pages by which a test steers the site: it has no other way in."""

import json
import uuid
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model, login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from liveops.models import LiveOperation, LiveProgress, StageRun
from liveops.views import CreateLiveOperationView
from tests.acceptance.live_ops.models import Voyage

ENDED: dict[str, dict[str, Any]] = {
    "FINISHED_OK": {"finished_successfully": True},
    "FINISHED_ERROR": {},
    "CANCELLED": {"cancelled": True},
    "INTERRUPTED": {"interrupted": True},
}


def _person(name: str) -> Any:
    user, _ = get_user_model().objects.get_or_create(username=name)
    return user


def log_in(request: HttpRequest, name: str) -> HttpResponse:
    """Log in a user, who has no rights unless it is the demo user."""
    login(request, _person(name), backend="django.contrib.auth.backends.ModelBackend")
    return redirect(request.GET.get("next", "home"))


@csrf_exempt
def start(request: HttpRequest) -> HttpResponse:
    """Create and start an operation as the body says; answer with its id and address."""
    wanted = json.loads(request.body)
    model = apps.get_model("live_ops", wanted.pop("model"))
    names = [wanted["owner"], *wanted.pop("people", [])]
    owner, *_ = (_person(name) for name in names)
    operation = model.objects.create(**{**wanted, "owner": owner})
    operation.enqueue()
    return JsonResponse({"pk": str(operation.pk), "url": operation.get_absolute_url()})


@csrf_exempt
def past(request: HttpRequest) -> HttpResponse:
    """Record operations that ended some time ago, as the body says.

    The body has the `owner`, the `model`, the `state`, how many (`count`), a `text` for their
    status, and how many seconds each of their `stages` took.
    """
    wanted = json.loads(request.body)
    model = apps.get_model("live_ops", wanted["model"])
    owner = _person(wanted["owner"])
    stages: dict[str, float] = wanted.get("stages", {"Load": 95})
    now = timezone.now()
    for number in range(wanted["count"]):
        began = now - timedelta(hours=1, minutes=5 * number)
        ended = began + timedelta(seconds=sum(stages.values()))
        operation = model.objects.create(owner=owner, created_on=began, language="en")
        LiveOperation.objects.filter(pk=operation.pk).update(
            started_on=began,
            finished_on=ended,
            stage_states=dict.fromkeys(stages, "done"),
            **ENDED[wanted["state"]],
        )
        LiveProgress.objects.update_or_create(
            operation_id=operation.pk, defaults={"status_text": wanted["text"].format(number)}
        )
        _record_stages(operation, stages)
    return JsonResponse({})


@csrf_exempt
def share(request: HttpRequest) -> HttpResponse:
    """Share an operation as the body says, with its id in `pk`; answer with the link.

    With `revoke`, take back all links instead.
    """
    wanted = json.loads(request.body)
    operation = LiveOperation.objects.get(pk=wanted["pk"])
    if wanted.get("revoke"):
        operation.revoke_shares()
        return JsonResponse({})
    control = wanted.get("control", False)
    return JsonResponse({"url": operation.share_url(control=control, by=operation.owner)})


def _record_stages(operation: LiveOperation, stages: dict[str, float]) -> None:
    run_id, began = uuid.uuid4(), operation.created_on
    for name, seconds in stages.items():
        ended = began + timedelta(seconds=seconds)
        StageRun.objects.create(
            operation=operation,
            run_id=run_id,
            stage=name,
            started_on=began,
            finished_on=ended,
            outcome="done",
        )
        began = ended


def board(request: HttpRequest) -> HttpResponse:
    """Show several operations on one page."""
    operations = [LiveOperation.objects.get(pk=pk) for pk in request.GET.getlist("op")]
    return render(request, "live_ops/board.html", {"operations": operations})


class PlanView(CreateLiveOperationView):
    """The form that starts a voyage."""

    model = Voyage
    fields = ("key", "plan")

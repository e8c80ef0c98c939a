"""Pages by which a test steers a site from outside."""

import json
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model, login, logout
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_exempt

from liveops.models import LiveOperation


def up(request: HttpRequest) -> HttpResponse:
    """Answer."""
    return HttpResponse("up")


def log_in(request: HttpRequest, name: str) -> HttpResponse:
    """Log in a user, and go where `next` says."""
    user, _ = get_user_model().objects.get_or_create(username=name)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect(request.GET.get("next", "/up/"))


def log_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return HttpResponse("out")


@csrf_exempt
def start(request: HttpRequest, model: str) -> HttpResponse:
    """Create an operation with the fields of the body, and enqueue it.

    The body is JSON: ``plan``, and ``owner``, a user's name. The answer has the operation's id
    (``op``), a ``token`` to watch it, and its ``url``.
    """
    fields: dict[str, Any] = json.loads(request.body or b"{}")
    if name := fields.pop("owner", None):
        fields["owner"], _ = get_user_model().objects.get_or_create(username=name)
    operation_class = apps.get_model("engines", model)
    assert issubclass(operation_class, LiveOperation)
    operation = operation_class.objects.create(**fields)
    operation.enqueue()
    return JsonResponse(
        {
            "op": str(operation.pk),
            "token": operation.subscription_token,
            "url": operation.get_absolute_url(),
        }
    )

"""The addresses of the test project."""

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path

from liveops.models import LiveOperation


def start(request: HttpRequest, model: str) -> HttpResponse:
    """Create and enqueue an operation; return what a watcher without a session needs."""
    operation_class = apps.get_model("testapp", model)
    assert issubclass(operation_class, LiveOperation)
    operation = operation_class.objects.create()
    operation.enqueue()
    return JsonResponse({"op": str(operation.pk), "token": operation.subscription_token})


def up(request: HttpRequest) -> HttpResponse:
    """Answer."""
    return HttpResponse("up")


urlpatterns = [
    path("admin/", admin.site.urls),
    path("live/", include("liveops.urls")),
    path("accounts/login/", LoginView.as_view(), name="login"),
    path("start/<str:model>/", start),
    path("up/", up),
]

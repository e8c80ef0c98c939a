"""The addresses of the example project, and one that starts a flaky operation."""

from django.contrib.auth import get_user_model, login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, path

from example.urls import urlpatterns as example
from tests.testapp.models import Flaky


def flaky(request: HttpRequest) -> HttpResponse:
    """Log in the demo user; start an operation without one of its stages; lead to its page."""
    demo = get_user_model().objects.get(username="demo")
    login(request, demo)
    operation = Flaky.objects.create(
        owner=demo,
        folder=request.GET["folder"],
        stages_to_run=["Build", "Migrate", "Publish"],
    )
    operation.enqueue()
    return redirect(operation)


urlpatterns: list[URLPattern | URLResolver] = [*example, path("flaky/", flaky)]

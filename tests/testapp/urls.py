"""The addresses of the test project, and pages that tests of views need beside them."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from liveops.models import LiveOperation
from liveops.views import CreateLiveOperationView, LiveOperationListView, LiveOperationView
from tests.testapp.models import Typed, Walk
from tests.urls import urlpatterns as plain


def several(request: HttpRequest) -> HttpResponse:
    """Show all operations on one page, to whoever comes."""
    return render(request, "several.html", {"operations": LiveOperation.objects.all()})


urlpatterns = [
    *plain,
    path("walk/", CreateLiveOperationView.as_view(model=Walk, fields=["items", "label"])),
    path(
        "typed/",
        CreateLiveOperationView.as_view(model=Typed, fields=["title", "number", "source"]),
    ),
    path("walks/", LiveOperationListView.as_view(model=Walk)),
    path("walks/<uuid:pk>/", LiveOperationView.as_view(model=Walk)),
    path("several/", several),
]

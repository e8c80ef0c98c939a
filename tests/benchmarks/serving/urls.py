"""The addresses of the served site."""

from django.http import HttpRequest, JsonResponse
from django.urls import include, path

from tests.benchmarks.serving import counting


def counts(request: HttpRequest) -> JsonResponse:
    """Answer with what was counted since the last time, and how many are behind with reading."""
    return JsonResponse({**counting.taken(), "behind": counting.behind()})


urlpatterns = [path("live/", include("liveops.urls")), path("counts/", counts)]

"""Address the example's pages, the live operations and the admin."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("airports.urls")),
    path("live/", include("liveops.urls")),
    path("admin/", admin.site.urls),
]

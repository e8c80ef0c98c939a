"""Address the example's pages, the live operations and the admin."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("gallery.urls")),
    path("", include("airports.urls")),
    path("check/", include("sitecheck.urls")),
    path("live/", include("liveops.urls")),
    path("admin/", admin.site.urls),
    # Pages without a base of ours, such as the admin's, make browsers ask for it here.
    path("favicon.ico", RedirectView.as_view(url=static("gallery/icon.svg"))),
]

"""The addresses of a site."""

from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import include, path

from tests.engines import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("live/", include("liveops.urls")),
    path("accounts/login/", LoginView.as_view(), name="login"),
    path("as/<str:name>/", views.log_in),
    path("out/", views.log_out),
    path("start/<str:model>/", views.start),
    path("up/", views.up),
]

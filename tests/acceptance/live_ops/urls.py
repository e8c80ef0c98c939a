"""The addresses of the example project, and those by which a test steers the site."""

from django.urls import URLPattern, URLResolver, path

from example.urls import urlpatterns as example
from tests.acceptance.live_ops import views

urlpatterns: list[URLPattern | URLResolver] = [
    *example,
    path("as/<str:name>/", views.log_in),
    path("start/", views.start),
    path("past/", views.past),
    path("share/", views.share),
    path("board/", views.board),
    path("plan/", views.PlanView.as_view()),
]

"""Address the pages of the example."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from airports import views

urlpatterns = [
    path("", views.HomeView.as_view(), name="home"),
    path("import/", views.ImportCreateView.as_view(), name="import"),
    path("both/<uuid:first>/<uuid:second>/", views.BothView.as_view(), name="both"),
    path("login/", views.DemoLoginView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]

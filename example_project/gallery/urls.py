"""Address the start page, the examples of this app, and the pages to read on."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from gallery import reading, views

urlpatterns = [
    path("", views.HomeView.as_view(), name="home"),
    path("login/", views.DemoLoginView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("chain/", views.FetchCreateView.as_view(), name="chain"),
    path("deliver/", views.DeliverCreateView.as_view(), name="deliver"),
    path("deliver/<uuid:pk>/warehouse/", views.WarehouseView.as_view(), name="warehouse"),
    path("links/", views.LinksCreateView.as_view(), name="links"),
    path("nightly/", views.NightlyCreateView.as_view(), name="nightly"),
    path("source/<slug:name>/", reading.SourceView.as_view(), name="source"),
    path("docs/<path:path>", reading.docs, name="docs"),
]

"""Address the page of the site check."""

from django.urls import path

from sitecheck import views

urlpatterns = [
    path("", views.CheckSiteCreateView.as_view(), name="check-site"),
]

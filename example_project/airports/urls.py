"""Address the pages of the import."""

from django.urls import path

from airports import views

urlpatterns = [
    path("import/", views.ImportCreateView.as_view(), name="import"),
    path("both/<uuid:first>/<uuid:second>/", views.BothView.as_view(), name="both"),
]

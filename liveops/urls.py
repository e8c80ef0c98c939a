"""The addresses of the built-in pages; include them under a prefix of the project's choice."""

from django.urls import path

from liveops import views

app_name = "liveops"

urlpatterns = [
    path("", views.LiveOperationListView.as_view(), name="list"),
    path("badge/", views.BadgeView.as_view(), name="badge"),
    path("<uuid:pk>/", views.LiveOperationView.as_view(), name="live"),
    path("<uuid:pk>/cancel/", views.CancelView.as_view(), name="cancel"),
    path("<uuid:pk>/log/", views.LogView.as_view(), name="log"),
    path("<uuid:pk>/log.txt", views.LogTextView.as_view(), name="log_text"),
    path("<uuid:pk>/restart/", views.RestartView.as_view(), name="restart"),
    path("<uuid:pk>/resume/", views.ResumeView.as_view(), name="resume"),
    path("<uuid:pk>/shared/", views.SharedView.as_view(), name="shared"),
    path("<uuid:pk>/snapshot/", views.SnapshotView.as_view(), name="snapshot"),
    path("<uuid:pk>/traceback/", views.TracebackView.as_view(), name="traceback"),
]

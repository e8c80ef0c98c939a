"""The pages of a project whose types are checked."""

from typing import Any, assert_type

from django.urls import include, path

from liveops.models import LiveOperation
from liveops.routing import websocket_urlpatterns
from liveops.views import CreateLiveOperationView, LiveOperationListView, LiveOperationView
from tests.typing.sample.models import ImportAirports


class StartImport(CreateLiveOperationView):
    model = ImportAirports
    fields = ("source",)


class Imports(LiveOperationListView):
    model = ImportAirports


class ImportPage(LiveOperationView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        operation = self.get_object()
        assert_type(operation, LiveOperation)
        return super().get_context_data(name=str(operation), **kwargs)


urlpatterns = [
    path("start/", StartImport.as_view()),
    path("imports/", Imports.as_view()),
    path("imports/<uuid:pk>/", ImportPage.as_view()),
    path("operations/", include("liveops.urls")),
]
sockets = [*websocket_urlpatterns]

"""The built-in views, to be used by ``liveops.urls`` or subclassed."""

from liveops.views.base import BaseLiveOperationMixin
from liveops.views.controls import CancelView, RestartView
from liveops.views.listing import LiveOperationListView
from liveops.views.pages import CreateLiveOperationView, LiveOperationView, TracebackView
from liveops.views.snapshot import SnapshotView

__all__ = [
    "BaseLiveOperationMixin",
    "CancelView",
    "CreateLiveOperationView",
    "LiveOperationListView",
    "LiveOperationView",
    "RestartView",
    "SnapshotView",
    "TracebackView",
]

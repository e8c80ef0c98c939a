"""The built-in views, to be used by ``liveops.urls`` or subclassed."""

from liveops.views.base import BaseLiveOperationMixin
from liveops.views.controls import CancelView, RestartView, ResumeView
from liveops.views.listing import BadgeView, LiveOperationListView
from liveops.views.log import LogTextView, LogView
from liveops.views.pages import CreateLiveOperationView, LiveOperationView, TracebackView
from liveops.views.share import SharedView
from liveops.views.snapshot import SnapshotView

__all__ = [
    "BadgeView",
    "BaseLiveOperationMixin",
    "CancelView",
    "CreateLiveOperationView",
    "LiveOperationListView",
    "LiveOperationView",
    "LogTextView",
    "LogView",
    "RestartView",
    "ResumeView",
    "SharedView",
    "SnapshotView",
    "TracebackView",
]

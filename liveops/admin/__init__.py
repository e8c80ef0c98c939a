"""Operations in Django's admin: one list of all types, and a record with the live page in it.

Only the admin itself imports this package, and a project's own ``admin.py``.
"""

from django.contrib import admin

from liveops.admin.operations import LiveOperationAdmin
from liveops.models import LiveOperation

__all__ = ["LiveOperationAdmin"]

admin.site.register(LiveOperation, LiveOperationAdmin)

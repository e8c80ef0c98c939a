"""One class of operations has a list of its own in the admin."""

from django.contrib import admin

from liveops.admin import LiveOperationAdmin
from tests.testapp.models import Typed


@admin.register(Typed)
class TypedAdmin(LiveOperationAdmin):
    """As for all operations, with a column of its own."""

    list_display = (*LiveOperationAdmin.list_display, "title")
    exclude = ("code",)

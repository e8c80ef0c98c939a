"""Operations in Django's admin: one list of all types, and a record with the live page in it.

Only the admin itself imports this package, and a project's own ``admin.py``. It does so in every
process that sets Django up, workers too, most of which never show a page of the admin: so what the
pages need is loaded when the first of them, or a system check, asks for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.contrib import admin

from liveops.models import LiveOperation

if TYPE_CHECKING:
    from liveops.admin.operations import LiveOperationAdmin

__all__ = ["LiveOperationAdmin"]


def __getattr__(name: str) -> Any:
    if name == "LiveOperationAdmin":
        return import_module("liveops.admin.operations").LiveOperationAdmin
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _Standing(admin.ModelAdmin):  # type: ignore[type-arg]
    """A ``ModelAdmin`` that becomes a ``LiveOperationAdmin`` as soon as it is asked for anything.

    Any thread may be the first to ask.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        raise TypeError("Derive from liveops.admin.LiveOperationAdmin, not from what stands for it")

    def __getattribute__(self, name: str) -> Any:
        needed = __getattr__("LiveOperationAdmin")
        if name == "__class__":  # isinstance() would not believe what changes while it asks
            return needed
        object.__setattr__(self, "__class__", needed)
        return getattr(self, name)


def _stand_in(model: type[LiveOperation], site: admin.AdminSite) -> Any:
    # Made as any other, which asks it for this and that, before it stands for another one.
    standing: Any = admin.ModelAdmin(model, site)
    standing.__class__ = _Standing
    return standing


STAND_IN: Any = _stand_in
"""What is registered in place of ``LiveOperationAdmin``: a site calls it as it calls a class."""


def registers_as_usual(site: admin.AdminSite) -> bool:
    """Return whether a site only calls what is registered; one of a project's own may do more."""
    return site.__class__.register is admin.AdminSite.register


if registers_as_usual(admin.site):
    admin.site.register(LiveOperation, STAND_IN)
else:
    admin.site.register(LiveOperation, __getattr__("LiveOperationAdmin"))

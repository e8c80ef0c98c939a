"""What a deletion takes along, for the page that asks whether to go on."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin.utils import NestedObjects, quote
from django.db import models, router
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.text import capfirst

from liveops.models import (
    CommandRun,
    ControlRecord,
    LiveProgress,
    LogLine,
    StageRun,
)
from liveops.rendering.common import said_of

_ROWS: tuple[type[models.Model], ...] = (
    LiveProgress,
    StageRun,
    CommandRun,
    ControlRecord,
    LogLine,
)


class _Collector(NestedObjects):
    """Leaves out the rows of runs, which Django would load to list them: a log may be long."""

    def related_objects(self, related_model: Any, related_fields: Any, objs: Any) -> Any:
        found = super().related_objects(related_model, related_fields, objs)
        return found.none() if related_model in _ROWS else found


def deleted_objects(
    objs: Sequence[models.Model], request: HttpRequest, site: Any
) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
    """Return what ``ModelAdmin.get_deleted_objects`` is to return; rows of runs are only counted.

    Args:
        objs: the operations.
        request: who asks.
        site: the admin site, which knows what may be deleted and where it is shown.
    """
    if not objs:
        return [], {}, set(), []
    using = router.db_for_write(type(objs[0]))
    collector: Any = _Collector(using=using, origin=objs)
    collector.collect(objs)
    forbidden: set[str] = set()

    def shown(obj: models.Model) -> str:
        model, opts = type(obj), obj._meta
        name, text = capfirst(str(opts.verbose_name)), said_of(obj) or str(obj.pk)
        if not site.is_registered(model):
            return f"{name}: {text}"
        if not site.get_model_admin(model).has_delete_permission(request, obj):
            forbidden.add(str(opts.verbose_name))
        try:
            view = f"{site.name}:{opts.app_label}_{opts.model_name}_change"
            address = reverse(view, args=(quote(obj.pk),))
        except NoReverseMatch:
            return f"{name}: {text}"
        return format_html('{}: <a href="{}">{}</a>', name, address, text)

    listed = collector.nested(shown)
    found: dict[Any, set[models.Model]] = collector.model_objs
    counts = {str(model._meta.verbose_name_plural): len(rows) for model, rows in found.items()}
    pks = [obj.pk for obj in objs]
    for model in _ROWS:
        if number := model._base_manager.using(using).filter(operation__in=pks).count():
            counts[str(model._meta.verbose_name_plural)] = number
    return listed, counts, forbidden, [shown(obj) for obj in collector.protected]

"""The result region: what came out, or what went wrong."""

import json
import logging
import re
from typing import TYPE_CHECKING, Any

from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from liveops.progress.text import clean
from liveops.progress.view import View
from liveops.rendering.common import render
from liveops.rendering.controls import actions_context
from liveops.states import State

if TYPE_CHECKING:
    from liveops.models import LiveOperation

logger = logging.getLogger("liveops")

_ADDRESS = re.compile(r"https?://[^\s<>\"'\\]{1,2000}")


def result_region(operation: "LiveOperation", view: View, context: Any) -> SafeString:
    """Return the inner HTML of the result region; ``context`` is the result, if there is one."""
    items = [(clean(str(name)), _shown(value)) for name, value in (context or {}).items()]
    html = SafeString("")
    if view.state == State.FINISHED_OK and context is not None:
        html = result_html(operation, context)
    return render(
        "_result",
        state=view.state,
        op=operation,
        error_text=view.error_text,
        result_html=html,
        result_items=[] if html or view.state != State.FINISHED_OK else items,
        **actions_context(view),
    )


def _shown(value: Any) -> Any:
    """Return a value for people to read: an address as a link, a list of values without quotes."""
    if isinstance(value, list) and value and not any(isinstance(one, list | dict) for one in value):
        return clean(", ".join(map(str, value)))
    if isinstance(value, list | dict):
        return clean(json.dumps(value, ensure_ascii=False))
    if not isinstance(value, str):
        return value
    text = clean(value)
    if text == value and _ADDRESS.fullmatch(text):
        return format_html('<a href="{0}" rel="noopener noreferrer">{0}</a>', text)
    return text


def result_html(operation: "LiveOperation", context: dict[str, Any]) -> SafeString:
    """Return the result through the operation's own template; empty if it has none or it fails."""
    name = operation.get_result_template_name()
    try:
        template = get_template(name)
        return mark_safe(template.render({**context, "op": operation, "object": operation}))  # noqa: S308  (what a template wrote)
    except Exception as error:
        if not isinstance(error, TemplateDoesNotExist) or str(error) != name:
            logger.exception("liveops: the result template %s failed; plain values are shown", name)
        elif operation.result_template_name:
            logger.warning("liveops: the result template %s does not exist", name)
        return SafeString("")

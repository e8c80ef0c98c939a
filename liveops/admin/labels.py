"""How the admin shows states, durations and long values."""

import json
from datetime import datetime
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.core.serializers.json import DjangoJSONEncoder
from django.template.loader import render_to_string
from django.utils import formats, timezone
from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString

from liveops import numbers
from liveops.exceptions import UnknownOperationTypeError
from liveops.models import LiveOperation


def own_form(operation: LiveOperation) -> LiveOperation:
    """Return the specific instance, or the operation as it is if the project lost its class."""
    try:
        return operation.specific
    except (UnknownOperationTypeError, ObjectDoesNotExist):
        return operation


def badge(state: str) -> SafeString:
    """Return a state as a coloured mark and a word."""
    return render_to_string("liveops/_state_badge.html", {"state": state})


def state_word(state: str) -> str:
    """Return the word for a state."""
    return strip_tags(badge(state)).strip()


def duration(began: datetime | None, ended: datetime | None) -> str:
    """Return how long something took, or takes until now; a dash before it begins."""
    if began is None:
        return "–"
    return numbers.took(max(((ended or timezone.now()) - began).total_seconds(), 0.0))


def moment(time: datetime) -> str:
    """Return a date and a time to the second, in the time zone of the page."""
    local = numbers.local(time)
    return f"{formats.date_format(local, 'SHORT_DATE_FORMAT')} {local:%H:%M:%S}"


def as_json(value: Any) -> str:
    """Return a stored value for people to read."""
    return json.dumps(value, indent=2, ensure_ascii=False, cls=DjangoJSONEncoder)


def long_text(text: str, label: Any) -> SafeString:
    """Return a text of many lines that scrolls in a box of its own; the keyboard reaches it."""
    return format_html(
        '<pre class="liveops-admin-text" tabindex="0" role="group" aria-label="{}">{}</pre>',
        label,
        text,
    )

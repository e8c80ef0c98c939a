"""The log region."""

from collections.abc import Sequence

from django.utils.safestring import SafeString

from liveops.progress.view import Line
from liveops.rendering.common import render


def log_html(lines: Sequence[Line], skipped: int) -> SafeString:
    """Return the inner HTML of the log region, with ``skipped`` earlier lines left out."""
    return render("_log", lines=lines, skipped=skipped)

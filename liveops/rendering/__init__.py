"""State in, HTML out: the regions of an operation, as fragments and as parts of its container."""

from liveops.rendering.common import page_title_of, title_of
from liveops.rendering.controls import controls_html, resumes_with
from liveops.rendering.fragments import (
    controls_fragment,
    fragments,
    log_addition,
    log_replacement,
    next_fragment,
    snapshot_fragments,
    swap_fragments,
)
from liveops.rendering.log import is_pruned, log_html, log_lines_html, panel_texts, text_line
from liveops.rendering.mould import StatusMould
from liveops.rendering.progress import forecast_of, progress_context
from liveops.rendering.regions import region_html
from liveops.rendering.result import result_html

__all__ = [
    "StatusMould",
    "controls_fragment",
    "controls_html",
    "forecast_of",
    "fragments",
    "is_pruned",
    "log_addition",
    "log_html",
    "log_lines_html",
    "log_replacement",
    "next_fragment",
    "page_title_of",
    "panel_texts",
    "progress_context",
    "region_html",
    "result_html",
    "resumes_with",
    "snapshot_fragments",
    "swap_fragments",
    "text_line",
    "title_of",
]

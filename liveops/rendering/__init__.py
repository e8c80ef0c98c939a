"""State in, HTML out: the regions of an operation, as fragments and as parts of its container."""

from liveops.rendering.common import title_of
from liveops.rendering.controls import controls_html
from liveops.rendering.fragments import (
    controls_fragment,
    fragments,
    log_addition,
    log_replacement,
    snapshot_fragments,
    swap_fragments,
)
from liveops.rendering.log import log_html
from liveops.rendering.regions import progress_context, region_html
from liveops.rendering.result import result_html

__all__ = [
    "controls_fragment",
    "controls_html",
    "fragments",
    "log_addition",
    "log_html",
    "log_replacement",
    "progress_context",
    "region_html",
    "result_html",
    "snapshot_fragments",
    "swap_fragments",
    "title_of",
]

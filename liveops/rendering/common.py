"""What every part of the rendering uses."""

from typing import TYPE_CHECKING, Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.text import capfirst

if TYPE_CHECKING:
    from liveops.models import LiveOperation


def render(name: str, **context: Any) -> SafeString:
    """Render one of the package's templates by its short name."""
    return render_to_string(f"liveops/{name}.html", context)


def title_of(operation: "LiveOperation") -> str:
    """Return what an operation is called on pages: the verbose name of its class."""
    return capfirst(str(operation._meta.verbose_name))

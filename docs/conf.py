"""The documentation as a site: ``make docs`` builds it, warnings being errors."""

import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django  # noqa: E402  (needs the settings)

django.setup()

from liveops import __version__  # noqa: E402
from scripts.public_api import python_names  # noqa: E402

# What a module loads when it is asked for is to be found like all else.
for _module, _names in python_names().items():
    for _name in _names:
        setattr(sys.modules[_module], _name, getattr(sys.modules[_module], _name))

project = "django-live-operations"
author = copyright = "The django-live-operations contributors"  # noqa: A001
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "attrs_inline"]
suppress_warnings = ["myst.header", "misc.highlighting_failure"]

# What others define is theirs to describe; no inventory is fetched from another host. Bases and
# rooms that are not public are named, and not described.
_NOT_PUBLIC = r"""(?x:
    fencing | guarded | parentage | staged | scripts\.phases | (admin|progress|views)\.\w+
    | tokens | rechecking | rights_\w+
)"""
nitpick_ignore_regex = [
    (r"py:.*", r"(?!liveops\.).*"),
    (r"py:(class|mod)", rf"liveops\.({_NOT_PUBLIC})(\.\w+)?"),
]
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_preserve_defaults = True

html_theme = "furo"
html_title = f"{project} {version}"
html_copy_source = False
html_show_sphinx = False
copybutton_prompt_text = r"\$ |>>> "
copybutton_prompt_is_regexp = True


def setup(app: Any) -> None:
    """Have links to pages that stand outside docs/ lead to the pages that include them."""
    app.connect("source-read", _link_inside)
    app.connect("autodoc-skip-member", _skip_what_django_makes)
    app.connect("autodoc-process-docstring", _say_since)


def _link_inside(app: object, name: str, content: list[str]) -> None:
    up = "../" * name.count("/")
    for file in ("CHANGELOG", "CONTRIBUTING"):
        content[0] = content[0].replace(f"../{up}{file}.md", f"{up}{file.lower()}.md")


def _skip_what_django_makes(
    app: object, what: str, name: str, member: object, skip: bool, options: object
) -> bool | None:
    """Leave out managers, descriptors and the like, whose docstrings are Django's."""
    written = getattr(member, "func", member)  # of a property that Django keeps the value of
    module = getattr(written, "__module__", None) or type(written).__module__
    return True if what == "class" and str(module).startswith("django.") else None


SINCE: dict[str, str] = {}
"""The version in which a public name came, where that is later than the first one."""


def _say_since(
    app: object, what: str, name: str, member: object, options: object, lines: list[str]
) -> None:
    if what in ("class", "exception", "function", "data"):
        lines += ["", f".. versionadded:: {SINCE.get(name, '0.1.0')}"]

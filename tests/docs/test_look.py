"""The pages about templates and styling name every template, tag and custom property."""

import re
from pathlib import Path

import pytest

from liveops.templatetags.liveops import register
from tests.docs.pages import DOCS, block

PACKAGE = DOCS.parent / "liveops"
TEMPLATES = PACKAGE / "templates/liveops"
PAGE = (DOCS / "reference/templates.md").read_text(encoding="utf-8")
STYLING = (DOCS / "reference/styling.md").read_text(encoding="utf-8")
CSS = (PACKAGE / "static/liveops/liveops.css").read_text(encoding="utf-8")


def test_every_template_is_listed_once() -> None:
    shipped = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))
    listed = sorted(re.findall(r"^\| `(\S+\.html)` \|", PAGE, re.MULTILINE))
    assert listed == shipped


@pytest.mark.parametrize("name", sorted([*register.tags, *register.filters]))
def test_every_tag_is_listed(name: str) -> None:
    assert re.search(rf"^\| `.*\b{name}\b", PAGE, re.MULTILINE)


def test_every_custom_property_is_listed() -> None:
    first_rule = CSS[CSS.index("{") : CSS.index("}")]
    declared = re.findall(r"(--liveop-[\w-]+):", first_rule)
    assert re.findall(r"^\| `(--liveop-[\w-]+)` \|", STYLING, re.MULTILINE) == declared


def test_the_rule_that_is_shown_sets_what_there_is() -> None:
    rule = block("reference/styling.md", "css .liveop,")
    selectors, _, declarations = rule.partition("{")
    assert [f".{name}" in CSS for name in re.findall(r"\.([\w-]+)", selectors)] == [True] * 3
    properties = re.findall(r"^ *(--[\w-]+): ", declarations, re.MULTILINE)
    assert properties
    assert all(f"  {name}:" in CSS for name in properties)


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_the_variables_that_are_listed_are_used(path: Path) -> None:
    name = re.escape(str(path.relative_to(TEMPLATES)))
    row = re.search(rf"^\| `{name}` \|[^|]*\|(.*)\|$", PAGE, re.MULTILINE)
    assert row
    source = path.read_text(encoding="utf-8")
    missing = [word for word in re.findall(r"`(\w+)`", row.group(1)) if word not in source]
    assert not missing

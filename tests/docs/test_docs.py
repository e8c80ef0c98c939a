"""The documents say what the code does: defaults, check ids, names, links and snippets."""

import ast
import json
import re
import textwrap
from dataclasses import fields
from pathlib import Path

import pytest
from django.template import Engine

from liveops import protocol
from liveops.conf import Settings
from liveops.progress import Progress
from liveops.states import State

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.M | re.S)


def blocks(page: Path, language: str) -> list[str]:
    found = _BLOCK.findall(page.read_text(encoding="utf-8"))
    return [textwrap.dedent(text) for _, name, text in found if name == language]


def snippets(language: str) -> list[object]:
    return [
        pytest.param(text, id=f"{page.relative_to(ROOT)}-{number}")
        for page in PAGES
        for number, text in enumerate(blocks(page, language))
    ]


@pytest.mark.parametrize("text", snippets("python"))
def test_python_snippets_are_python(text: str) -> None:
    assert ast.parse(text).body


@pytest.mark.parametrize("text", snippets("django"))
def test_template_snippets_are_templates(text: str) -> None:
    libraries = {
        "liveops": "liveops.templatetags.liveops",
        "static": "django.templatetags.static",
    }
    engine = Engine(libraries=libraries)
    assert engine.from_string(text).nodelist


@pytest.mark.parametrize("text", snippets("json"))
def test_frames_from_the_page_are_understood(text: str) -> None:
    for line in text.splitlines():
        frame = json.loads(line.replace("<id>", "0" * 32))
        if "op" not in frame:
            assert protocol.parse(json.dumps(frame)).action in frame


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_settings_table_has_every_key_with_its_default() -> None:
    text = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| `([A-Z_]+)` \| `(.+?)` \|", text, re.M))
    assert {name: ast.literal_eval(value) for name, value in table.items()} == {
        field.name: field.default for field in fields(Settings)
    }


def test_every_system_check_is_documented() -> None:
    pattern = r"liveops\.[EIW]\d{3}"
    modules = sorted((ROOT / "liveops").rglob("*.py"))
    code = "".join(module.read_text(encoding="utf-8") for module in modules)
    text = (ROOT / "docs/reference/checks.md").read_text(encoding="utf-8")
    listed = re.findall(rf"^\| `({pattern})` \|", text, re.M)
    assert sorted(listed) == sorted(set(re.findall(pattern, code)))


def test_every_public_call_of_progress_is_documented() -> None:
    text = (ROOT / "docs/reference/progress.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"`(?:with )?p\.(\w+)[(`]", text))
    public = {name for name in dir(Progress) if not name.startswith("_")}
    assert public - {"operation"} == documented


def test_every_state_of_a_page_is_one_that_exists() -> None:
    text = (ROOT / "docs/reference/wire.md").read_text(encoding="utf-8")
    for state in re.findall(r'"state": "(\w+)"', text):
        assert State(state)

"""The reports of the system checks read like advice, and the page about them has each."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.docs.pages import DOCS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (DOCS / "reference/checks.md").read_text(encoding="utf-8")
KINDS = {"Error", "Warning", "CheckWarning", "Info"}


def calls() -> Iterator[ast.Call]:
    """Give the calls that make a message of a check."""
    for path in (ROOT / "liveops").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and any(word.arg == "id" for word in node.keywords):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in KINDS:
                    yield node


def test_every_message_says_what_to_do() -> None:
    found = list(calls())
    assert len(found) > 20
    for call in found:
        assert "hint" in {word.arg for word in call.keywords}, ast.unparse(call)


def test_every_id_is_on_the_page_once() -> None:
    listed = re.findall(r"^\| `(liveops\.[EWI]\d{3})` \|", PAGE, re.M)
    known = {
        identity
        for path in (ROOT / "liveops").rglob("*.py")
        for identity in re.findall(r'"(liveops\.[EWI]\d{3})"', path.read_text(encoding="utf-8"))
    }
    assert sorted(listed) == sorted(known)


DEFECTS = """
from tests.settings import *
from tests.settings import DATABASES
SECRET_KEY = "of a project that has much to mend"
CHANNEL_LAYERS = {}
DATABASES["default"]["OPTIONS"].pop("transaction_mode", None)
LIVEOPS = {"REAP_SECONDS": 0}
ASGI_APPLICATION = "no_such.asgi.application"
"""


def test_the_report_of_a_project_can_be_followed_from_top_to_bottom(tmp_path: Path) -> None:
    (tmp_path / "defects.py").write_text(DEFECTS, encoding="utf-8")
    paths = os.pathsep.join([str(tmp_path), str(ROOT), str(ROOT / "example_project")])
    variables = {**os.environ, "PYTHONPATH": paths, "DJANGO_SETTINGS_MODULE": "defects"}
    done = subprocess.run(
        [sys.executable, "-m", "django", "check", "--tag", "liveops"],
        env=variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    reports = re.findall(r"\((liveops\.\w+)\) (.+)\n\tHINT: (.+)\n", done.stderr)
    told = {identity: (text, hint) for identity, text, hint in reports}
    assert set(told) == {"liveops.W001", "liveops.W003", "liveops.W005", "liveops.W009"}
    assert "CHANNEL_LAYERS = {'default': {'BACKEND': " in told["liveops.W001"][1]
    assert "'transaction_mode': 'IMMEDIATE'" in told["liveops.W003"][1]
    assert "liveops_reap --loop" in told["liveops.W005"][1]
    assert "no_such.asgi.application" in told["liveops.W009"][0]

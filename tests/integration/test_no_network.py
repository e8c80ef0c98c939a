"""Nothing is fetched while a site runs, neither by the server nor by a browser."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOADED = {".html", ".js", ".css", ".txt"}
# Names of formats, which nobody fetches.
NAMES = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml"}
_ADDRESS = re.compile(
    r"""(?:\b(?:https?|wss?|ftp):)?//[a-z0-9][\w.-]*\.[a-z]{2,}[^\s"'<>)]*""", re.I
)
_COMMENT = re.compile(r"(^|[\s;])//[^\n]*|/\*.*?\*/|\{#.*?#\}", re.DOTALL)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process told that used all of the package."""
    variables = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "LIVEOPS_TEST_DB": str(tmp_path_factory.mktemp("quiet") / "db.sqlite3"),
        "LIVEOPS_TEST_DATABASE": "",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "tests.integration.quiet_process"]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.promise("nothing-is-fetched-by-the-server")
def test_a_process_that_does_everything_reaches_for_nothing(told: dict[str, Any]) -> None:
    assert told["attempts"] == []
    modules = {f"liveops.{path.stem}" for path in (ROOT / "liveops").glob("[a-z]*.py")}
    assert modules <= set(told["modules"]), "all of them"
    assert set(told["pages"].values()) == {200, 302, 404}
    assert {name for name, status in told["pages"].items() if status != 200} == {"created", "none"}


def test_an_attempt_would_be_told() -> None:
    attempt = (
        "from tests.integration import quiet_process as q; import sys, socket\n"
        "sys.addaudithook(q.note)\n"
        "socket.getaddrinfo('127.0.0.1', 9); socket.socket().connect_ex(('127.0.0.1', 9))\n"
        "print(len(q.ATTEMPTS))"
    )
    command = [sys.executable, "-c", attempt]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "2\n", done.stderr


@pytest.mark.promise("pages-load-nothing-from-elsewhere")
def test_no_template_script_or_style_names_another_server() -> None:
    folders = [*(ROOT / "liveops").rglob("templates"), *(ROOT / "liveops").rglob("static")]
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in LOADED]
    assert len(files) > 20
    found = {
        f"{path.relative_to(ROOT)}: {address}"
        for path in files
        for address in addresses(path.read_text(encoding="utf-8"))
    }
    assert found == set()


def addresses(text: str) -> set[str]:
    """Return what in a text is on another server, comments aside."""
    return set(_ADDRESS.findall(_COMMENT.sub(" ", text))) - NAMES


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://cdn.example.org/x.js">',
        "<img src='//cdn.example.org/x.png'>",
        "@import url(http://fonts.example.org/x.css);",
        'new WebSocket("wss://elsewhere.example.org/")',
    ],
)
def test_one_that_did_would_be_found(text: str) -> None:
    assert addresses(text)


def test_what_a_comment_says_is_not_loaded() -> None:
    assert (
        addresses("// see https://example.org/a\n/* http://example.org */ {# //a.example.org #}")
        == set()
    )

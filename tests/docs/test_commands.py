"""The pages about commands and reaping: every command, every option, and code that works."""

import re
from typing import Any

import pytest
from celery import Celery
from django.core.management import get_commands, load_command_class

from liveops import reaping
from tests.docs.pages import DOCS, blocks, files

PAGE = (DOCS / "reference/commands.md").read_text(encoding="utf-8")
OURS = sorted(name for name, app in get_commands().items() if app == "liveops")
DJANGO_S_OWN = {"--help", "--version", "--verbosity", "--settings", "--pythonpath", "--traceback"}
DJANGO_S_OWN |= {"--no-color", "--force-color", "--skip-checks"}


def test_every_command_is_in_the_table() -> None:
    assert sorted(re.findall(r"^\| \[`(\w+)`\]", PAGE, re.M)) == OURS


@pytest.mark.parametrize("name", [name for name in OURS if name != "run_liveop"])
def test_every_option_of_a_command_is_documented(name: str) -> None:
    parser = load_command_class("liveops", name).create_parser("manage.py", name)
    options = {
        option
        for action in parser._actions
        for option in action.option_strings
        if option.startswith("--")
    }
    section = PAGE.partition(f"\n## `{name}`\n")[2].partition("\n## ")[0]
    documented = set(re.findall(r"^\| `(--[a-z-]+)", section, re.M))
    assert documented == options - DJANGO_S_OWN


def test_the_task_for_celery_beat_reaps(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[bool] = []
    monkeypatch.setattr(reaping, "reap_once", lambda: called.append(True))
    app = Celery("shop", set_as_current=False)
    text = next(text for text in blocks("how-to/reaping.md", "python") if "celery" in text)
    names: dict[str, Any] = {"__name__": "shop.tasks"}
    exec(text, names)  # noqa: S102  (the page's own code)
    task = app.tasks["shop.tasks.reap"]
    task()
    assert called == [True]
    settings: dict[str, Any] = {}
    exec(files("how-to/reaping.md")["mysite/settings.py"], settings)  # noqa: S102  (the page's own code)
    (entry,) = settings["CELERY_BEAT_SCHEDULE"].values()
    assert entry["task"] == task.name

"""The pages about commands and reaping: every command, every option, and code that works."""

import re
from typing import Any

import pytest
from celery import Celery
from django.core.management import CommandParser, get_commands, load_command_class

from liveops import reaping
from tests.docs.pages import DOCS, blocks, every_block, every_page, files

PAGE = (DOCS / "reference/commands.md").read_text(encoding="utf-8")
OURS = sorted(name for name, app in get_commands().items() if app == "liveops")
DJANGO_S_OWN = {"--help", "--version", "--verbosity", "--settings", "--pythonpath", "--traceback"}
DJANGO_S_OWN |= {"--no-color", "--force-color", "--skip-checks"}
WITH_OPTIONS = sorted({*OURS} - {"run_liveop"})
_DEFAULT = r"^\| `(--[a-z-]+)[^|]*\|.*; (?:(\d+)|`([^`]+)`) without it \|$"
_SHOWN = re.compile(r"manage\.py (liveops_\w+(?: (?!\d*>)[\w.:-]+)*)")  # up to a pipe, say


def test_every_command_is_in_the_table() -> None:
    assert sorted(re.findall(r"^\| \[`(\w+)`\]", PAGE, re.M)) == OURS


def parser_of(name: str) -> CommandParser:
    return load_command_class("liveops", name).create_parser("manage.py", name)


def section(name: str) -> str:
    """Return what the page says of a command."""
    return PAGE.partition(f"\n## `{name}`\n")[2].partition("\n## ")[0]


def defaults(name: str) -> dict[str, Any]:
    """Return the options of a command with what they are if they are not given."""
    return {
        option: action.default
        for action in parser_of(name)._actions
        for option in action.option_strings
        if option.startswith("--") and option not in DJANGO_S_OWN
    }


@pytest.mark.parametrize("name", WITH_OPTIONS)
def test_every_option_of_a_command_is_documented(name: str) -> None:
    documented = set(re.findall(r"^\| `(--[a-z-]+)", section(name), re.M))
    assert documented == set(defaults(name))


@pytest.mark.parametrize("name", WITH_OPTIONS)
def test_the_options_of_a_command_have_their_defaults(name: str) -> None:
    listed = {
        option: int(number) if number else words.split()
        for option, number, words in re.findall(_DEFAULT, section(name), re.M)
    }
    assert listed == {option: value for option, value in defaults(name).items() if value}


def test_commands_in_any_block_are_accepted() -> None:
    shown = [
        (line, call)
        for page in every_page()
        for each in every_block(page)
        for line in each.text.splitlines()
        for call in _SHOWN.findall(line)
    ]
    assert len(shown) > 10
    for line, call in shown:
        name, *words = call.split()
        given = ["3f2a9c01"] if f"xargs python manage.py {name}" in line else []
        parser_of(name).parse_args([*words, *given])


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

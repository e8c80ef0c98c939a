"""The words that start a command again, as they are printed for whoever ran it."""

import sys

import pytest

from liveops.management.terminal import program_of


@pytest.mark.parametrize(
    ("typed", "python"),
    [
        ("python3", "python"),
        (".venv/bin/python", ".venv/bin/python"),
        ("../v/bin/python3", "../v/bin/python3"),
        ("/opt/v/bin/python", "python"),
    ],
)
def test_python_is_what_was_typed_from_this_folder(
    monkeypatch: pytest.MonkeyPatch, typed: str, python: str
) -> None:
    monkeypatch.setattr(sys, "orig_argv", [typed, "manage.py"])
    assert program_of("manage.py") == (python, "manage.py")
    assert program_of("/opt/v/lib/django/__main__.py") == (python, "-m", "django")
    assert program_of("django-admin") == ("django-admin",)
    assert program_of("") == (python, "manage.py")

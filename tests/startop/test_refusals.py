"""What ``liveops_startop`` will not do, and how it says so."""

import io
import resource
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.apps import AppConfig, apps
from django.core.management import call_command
from django.core.management.base import CommandError

from liveops.startop.places import Change, write_all
from tests.testapp.models import Row


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of an app ``shop`` that the project seems to have."""
    module = ModuleType("shop")
    module.__path__ = [str(tmp_path)]
    cached: Any = apps.get_models
    config = AppConfig("shop", module)
    config.apps, config.models = apps, {"taken": Row}
    monkeypatch.setitem(apps.app_configs, "shop", config)
    (tmp_path / "models.py").write_text("from django.db import models\n", encoding="utf-8")
    cached.cache_clear()
    yield tmp_path
    monkeypatch.undo()
    cached.cache_clear()


def refusal(*arguments: str) -> str:
    """Return why a call is refused."""
    with pytest.raises(CommandError) as refused:
        call_command("liveops_startop", *arguments, stdout=io.StringIO())
    return str(refused.value)


@pytest.mark.parametrize(
    ("label", "sentence"),
    [
        ("shopp", "There is no app 'shopp' in INSTALLED_APPS. Did you mean 'shop'?"),
        ("auth", "The app 'auth' comes from a package: take one of your own."),
        ("liveops", "The app 'liveops' comes from a package: take one of your own."),
    ],
)
def test_an_app_that_there_is_not(app: Path, label: str, sentence: str) -> None:
    assert refusal(label, "Inventory").startswith(sentence)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("2nd", "'2nd' cannot be the name of a class."),
        ("class", "'class' cannot be the name of a class."),
        ("inventory", "A class is named like Inventory, not inventory."),
        ("countBoxes", "A class is named like CountBoxes, not countBoxes."),
        ("éclair", "A class is named like Éclair, not éclair."),
        ("_", "'_' cannot be the name of a class."),
        ("count_boxes", "A class is named like CountBoxes, not count_boxes."),
        ("Run", "LiveOperation needs the name Run itself: choose another one."),
        ("Progress", "LiveOperation needs the name Progress itself: choose another one."),
        ("Taken", "shop has a model Taken already."),
    ],
)
def test_a_name_that_will_not_do(app: Path, name: str, sentence: str) -> None:
    assert refusal("shop", name) == sentence


@pytest.mark.parametrize(
    ("stages", "sentence"),
    [
        (["A", "A"], "The stages 'A' and 'A' have the same identifier form 'a'."),
        (["Größe", "gr e"], "The stages 'Größe' and 'gr e' have the same identifier form 'gr_e'."),
        (["保存"], "The stage '保存' has no letter from a to z"),
        (["Save", "Stage save"], "Two stages would have the same method"),
        (["A\nB"], "The stage name 'A\\nB' holds a control character"),
    ],
    ids=["twice", "same-form", "no-letter", "same-method", "line-break"],
)
def test_stages_that_will_not_do(app: Path, stages: list[str], sentence: str) -> None:
    assert refusal("shop", "Inventory", "--stages", *stages).startswith(sentence)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("models.py", "class Inventory: pass\n", "models.py has a Inventory already."),
        ("models.py", "class Progress: pass\n", "models.py has another Progress, where the one"),
        ("models.py", "def\n", "models.py, line 1 is not Python: mend that first."),
        ("tests.py", "InventoryTests = 1\n", "tests.py has InventoryTests already."),
        ("tests/test_inventory.py", "", "tests/test_inventory.py exists already."),
        ("models/inventory.py", "", "models/inventory.py exists already."),
    ],
    ids=["class", "progress", "syntax", "tests", "test-module", "module"],
)
def test_a_file_in_the_way(app: Path, name: str, text: str, sentence: str) -> None:
    path = app / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    before = {each: each.read_bytes() for each in app.rglob("*") if each.is_file()}
    assert sentence in refusal("shop", "Inventory")
    assert {each: each.read_bytes() for each in app.rglob("*") if each.is_file()} == before


def test_a_file_that_is_not_in_utf_8(app: Path) -> None:
    (app / "models.py").write_bytes(b"# \xe9\n")
    assert refusal("shop", "Inventory").endswith("models.py is not in UTF-8.")


def contents(app: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in app.iterdir() if path.is_file()}


def test_a_file_that_cannot_be_written_leaves_all_as_they_were(app: Path) -> None:
    (app / "tests.py").symlink_to(app / "nowhere" / "tests.py")
    before = contents(app)
    assert refusal("shop", "Inventory") == f"{app}/tests.py: File exists"
    assert contents(app) == before
    (app / "tests.py").unlink()
    call_command("liveops_startop", "shop", "Inventory", stdout=io.StringIO())
    assert set(contents(app)) == {"models.py", "tests.py"}


def test_a_file_that_is_not_written_to_its_end_leaves_all_as_they_were(app: Path) -> None:
    models, new, large = app / "models.py", app / "new.py", app / "large.py"
    large.write_text("x = 1\n", encoding="utf-8")
    before = contents(app)
    planned = [
        Change(models, models.read_text(encoding="utf-8"), "y = 2\n", ""),
        Change(new, None, "z = 3\n", ""),
        Change(large, "x = 1\n", "x = 1\n" * 10**6, ""),
    ]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_all(planned)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert contents(app) == before


@pytest.mark.parametrize(
    ("text", "options", "parts"),
    [
        ("from time import time\n", [], ["from time import sleep, time\n", " sleep(0.1)"]),
        ("time = 3\n", [], ["from time import sleep\n", " sleep(0.1)"]),
        ("import asyncio as time\n", [], ["from time import sleep\n", " sleep(0.1)"]),
        ("asyncio = 3\n", ["--async"], ["from asyncio import sleep\n", "await sleep(0.1)"]),
        ("from .time import models\n", [], ["import time\n", " time.sleep(0.1)"]),
        (
            "from liveops.models import LogLine\n",
            [],
            ["from liveops.models import LiveOperation, LogLine\n"],
        ),
    ],
)
def test_a_name_that_the_file_has_for_something_else_is_gone_around(
    app: Path, text: str, options: list[str], parts: list[str]
) -> None:
    (app / "models.py").write_text(text, encoding="utf-8")
    call_command("liveops_startop", "shop", "Inventory", *options, stdout=io.StringIO())
    written = (app / "models.py").read_text(encoding="utf-8")
    assert all(part in written for part in parts), written


def test_a_name_that_cannot_be_gone_around(app: Path) -> None:
    (app / "models.py").write_text("time = sleep = 3\n", encoding="utf-8")
    message = "models.py has another sleep, where the one from time is needed."
    assert refusal("shop", "Inventory").endswith(message)


def test_a_class_may_be_named_in_a_script_without_capitals(app: Path) -> None:
    (app / "models.py").write_bytes(b"\xef\xbb\xbf# of the shop\r\n")
    call_command("liveops_startop", "shop", "棚卸", stdout=io.StringIO())
    written = (app / "models.py").read_bytes()
    assert written.startswith(b"\xef\xbb\xbf# of the shop\r\nimport time\r\n")
    assert "class 棚卸(LiveOperation):" in written.decode()

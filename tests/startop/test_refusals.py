"""What ``liveops_startop`` will not do, and how it says so."""

import io
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.apps import AppConfig, apps
from django.core.management import call_command
from django.core.management.base import CommandError

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


def test_a_file_that_cannot_be_written(app: Path) -> None:
    (app / "tests.py").symlink_to(app / "nowhere" / "tests.py")
    assert refusal("shop", "Inventory") == f"{app}/tests.py: File exists"

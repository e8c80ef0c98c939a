"""What docs/how-to/from-django-liveops.md says is so: an operation goes on, with its rows."""

import tempfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from liveops.conf import Settings
from tests.docs import site
from tests.docs.pages import DOCS, Command, files, sessions
from tests.docs.playing import difference, type_into_site

PAGE = "how-to/from-django-liveops.md"

# The table that a class had there, as its documentation lists the fields, with four rows.
_OLD = """
from uuid import uuid4

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.utils import timezone


def fill(apps, schema_editor):
    owner = apps.get_model("auth", "User").objects.create(username="ada")
    make = apps.get_model("shop", "ScoreImport").objects.create
    now = timezone.now()
    for path, values in {
        "good.csv": {
            "started_on": now,
            "finished_on": now,
            "finished_successfully": True,
            "result_context": {"saved": 3},
            "current_stage": 1,
            "stage_states": {"Load": "done", "Save": "done"},
        },
        "bad.csv": {"started_on": now, "finished_on": now, "traceback": "ValueError: 7"},
        "cancelled.csv": {"started_on": now, "cancelled": True, "cancel_requested": True},
        "dead.csv": {"started_on": now},
    }.items():
        make(owner=owner, path=path, **values)


class Migration(migrations.Migration):
    initial = True
    dependencies = [("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        migrations.CreateModel(
            name="ScoreImport",
            fields=[
                ("id", models.UUIDField(default=uuid4, editable=False, primary_key=True)),
                ("created_on", models.DateTimeField(auto_now_add=True)),
                ("started_on", models.DateTimeField(blank=True, null=True)),
                ("finished_on", models.DateTimeField(blank=True, null=True)),
                ("finished_successfully", models.BooleanField(default=False)),
                ("cancel_requested", models.BooleanField(default=False)),
                ("cancelled", models.BooleanField(default=False)),
                ("traceback", models.TextField(blank=True, null=True)),
                ("result_context", models.JSONField(blank=True, null=True)),
                ("language", models.CharField(blank=True, default="", max_length=20)),
                ("status_text", models.CharField(blank=True, default="", max_length=255)),
                ("percent", models.PositiveSmallIntegerField(default=0)),
                ("log", models.JSONField(default=list)),
                ("log_seq", models.PositiveIntegerField(default=0)),
                ("current_stage", models.IntegerField(default=-1)),
                ("stage_states", models.JSONField(default=dict)),
                ("path", models.CharField(max_length=200)),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.RunPython(fill),
    ]
"""

_LOOK = """python manage.py shell --no-imports -c '
from shop.models import ScoreImport
for op in ScoreImport.objects.order_by("path"):
    print(op.path, op.get_state(), op.owner, op.result_context, op.traceback, op.log_lines.count())
'"""

_SHOWN = """python manage.py shell --no-imports -c '
from django.template import Context, Template
from shop.models import ScoreImport
op = ScoreImport.objects.get(path="good.csv")
tags = "{% load liveops %}{% live_operation object %}{% render_op_result object %}"
print(Template(tags).render(Context({"object": op})))
'"""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A project that had the old package, with the files of the page."""
    written = {
        "mysite.py": site._SETTINGS,
        "urls.py": site._URLS,
        "manage.py": site._MANAGE,
        "shop/__init__.py": "",
        "shop/migrations/__init__.py": "",
        "shop/migrations/0001_initial.py": _OLD,
        "shop/templates/shop/scores.html": "<p>{{ saved }} scores of {{ op.path }}</p>",
        **files(PAGE),
    }
    with tempfile.TemporaryDirectory(prefix="docs-") as path:
        for name, text in written.items():
            place = Path(path, name)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text.lstrip(), encoding="utf-8")
        yield Path(path)


def shown(words: str) -> Command:
    """Return the one command of the page with these words."""
    (found,) = [one for each in sessions(PAGE) for one in each if words in one.line]
    return found


def edit(path: Path) -> None:
    """Do to the migration what the page says."""
    copying = "migrations.RunPython(copy_operations, migrations.RunPython.noop)"
    imported = "from shop.copying import copy_operations"
    page = (DOCS / PAGE).read_text(encoding="utf-8")
    assert copying in page
    assert imported in page
    text = path.read_text(encoding="utf-8")
    deletion = "migrations.DeleteModel("
    assert text.count(deletion) == 1
    changed = text.replace(deletion, f"{copying},\n        {deletion}")
    path.write_text(f"{imported}\n{changed}", encoding="utf-8")


def test_rows_and_code_come_over(folder: Path) -> None:
    make, migrate = shown(" makemigrations "), shown(" migrate")
    before, made = type_into_site(["python manage.py migrate shop 0001 -v 0", make.line], folder)
    assert before == ""
    assert difference(make.printed, made.splitlines()) is None, made
    edit(folder / "shop/migrations/0003_new_tables.py")
    migrated, rows, page, ran = type_into_site(
        [
            f"{migrate.line} -v 0",
            _LOOK,
            _SHOWN,
            "python manage.py run_liveop shop.ScoreImport --owner ada --set path=new.csv",
        ],
        folder,
    )
    assert migrated == ""
    assert rows.splitlines() == [
        "bad.csv FINISHED_ERROR ada None ValueError: 7 0",
        "cancelled.csv CANCELLED ada None  0",
        "dead.csv INTERRUPTED ada None  0",
        "good.csv FINISHED_OK ada {'saved': 3}  0",
    ]
    assert page.count("3 scores of good.csv") == 2
    assert 'data-state="done"' in page
    assert "saved=3" in ran
    assert "=== [2/2] Save ===" in ran


def test_the_settings_are_called_what_they_were_called() -> None:
    names = {field.name for field in fields(Settings)}
    assert {"BASE_TEMPLATE", "RUNNER", "THROTTLE_HZ", "REQUIRED_GROUP"} <= names
    assert "LIST_LIVE" not in names

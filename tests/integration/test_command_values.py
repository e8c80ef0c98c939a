"""``--set``: every kind of field, checked as a form would check it."""

import datetime as dt
import gc
import io
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone, translation

from tests.testapp.models import Row, Scripted, Typed, Walk

pytestmark = pytest.mark.django_db

KEY = uuid.UUID("0189f7ab-5b8e-7c3d-9d55-1d2f3a4b5c6d")


def settle(*pairs: str, label: str = "testapp.Typed") -> None:
    """Run an operation with these values."""
    values = [part for pair in pairs for part in ("--set", pair)]
    call_command("run_liveop", label, *values, stdout=io.StringIO())


def refused(*pairs: str, label: str = "testapp.Typed") -> str:
    """Return why an operation with these values was not even created."""
    with pytest.raises(CommandError) as refusal:
        settle(*pairs, label=label)
    assert not Typed.objects.exists()
    return str(refusal.value)


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("title", "A=b c", "A=b c"),
        ("flag", "true", True),
        ("flag", "Yes", True),
        ("flag", "on", True),
        ("flag", "1", True),
        ("flag", "false", False),
        ("flag", "NO", False),
        ("flag", "off", False),
        ("flag", "0", False),
        ("answer", "no", False),
        ("answer", "yes", True),
        ("answer", "", None),
        ("number", "-7", -7),
        ("number", "", None),
        ("share", "0.25", 0.25),
        ("price", "12.50", Decimal("12.50")),
        ("day", "2026-03-05", dt.date(2026, 3, 5)),
        ("moment", "2026-03-05 07:08:09", dt.datetime(2026, 3, 5, 7, 8, 9, tzinfo=dt.UTC)),
        ("hour", "07:08", dt.time(7, 8)),
        ("pause", "00:01:30", dt.timedelta(seconds=90)),
        ("size", "l", "l"),
        ("mail", "sam@example.org", "sam@example.org"),
        ("key", str(KEY), KEY),
        ("data", '{"a": [1, null]}', {"a": [1, None]}),
        ("code", "a-b_c", "a-b_c"),
        ("text", "two\nlines", "two\nlines"),
    ],
)
def test_a_value_of_each_kind(field: str, text: str, value: Any) -> None:
    title = [] if field == "title" else ["title=x"]
    settle(*title, f"{field}={text}")
    operation = Typed.objects.get()
    assert getattr(operation, field) == value
    assert type(getattr(operation, field)) is type(value)
    assert operation.get_state() == "FINISHED_OK"


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("title", ""),
        ("title", "x" * 21),
        ("flag", "maybe"),
        ("flag", ""),
        ("answer", "2"),
        ("number", "seven"),
        ("number", "1.5"),
        ("share", "nan"),
        ("price", "12.505"),
        ("price", "12345.00"),
        ("day", "tomorrow"),
        ("day", "2026-02-30"),
        ("moment", "noon"),
        ("hour", "25:00"),
        ("pause", "long"),
        ("size", "medium"),
        ("mail", "sam"),
        ("key", "1234"),
        ("data", "{broken"),
        ("code", "a b"),
        ("row", "99"),
        ("row", "first"),
        ("rows", "99"),
    ],
)
def test_a_value_that_its_field_refuses(field: str, text: str) -> None:
    title = [] if field == "title" else ["title=x"]
    message = refused(*title, f"{field}={text}")
    assert message.startswith(f"--set {field}: ")
    assert message.endswith(".")
    assert "\n" not in message


def test_all_that_is_wrong_is_said_at_once() -> None:
    lines = refused("title=x", "number=seven", "day=never", "size=xl").splitlines()
    assert [line.split(":")[0] for line in lines] == ["--set number", "--set day", "--set size"]


def test_what_is_required_and_was_not_given() -> None:
    assert refused() == "--set title: This field cannot be blank."
    assert refused("number=1") == "--set title: This field cannot be blank."


def test_the_classs_own_rules_are_kept() -> None:
    assert refused("title=never") == "--set title: Choose another title."
    message = refused("title=alone", "number=1")
    assert message == "A number does not go with this title."
    assert refused("title=counted") == "--set number: This title needs one."


def test_defaults_stay_where_nothing_is_given() -> None:
    settle("items=1", label="testapp.Walk")
    assert Walk.objects.get().label == "Walking"


def test_the_last_of_several_values_counts() -> None:
    settle("title=one", "title=two")
    assert Typed.objects.get().title == "two"


def test_relations_are_given_by_their_keys() -> None:
    one, two, _ = (Row.objects.create(name=name) for name in "abc")
    settle("title=x", f"row={two.pk}", f"rows={one.pk}", f"rows={two.pk}")
    operation = Typed.objects.get()
    assert operation.row == two
    assert set(operation.rows.all()) == {one, two}


def test_a_file_is_stored_and_read_from_there(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    given = tmp_path / "rows = all.csv"
    given.write_bytes(b"a,b\n1,2\n")
    settle("title=x", f"source={given}")
    operation = Typed.objects.get()
    assert operation.result_context == {"bytes": 8}
    stored = Path(operation.source.path)
    assert stored.is_relative_to(settings.MEDIA_ROOT)
    assert stored.read_bytes() == given.read_bytes()
    gc.collect()  # a file that was left open would be reported now


def test_a_file_that_cannot_be_read(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    empty = tmp_path / "empty.csv"
    empty.touch()
    missing = refused("title=x", f"source={tmp_path / 'missing.csv'}")
    assert missing.startswith("--set source: cannot read ")
    assert "missing.csv" in missing
    assert "No such file" in missing
    assert "directory" in refused("title=x", f"source={tmp_path}")
    assert "empty" in refused("title=x", f"source={empty}")
    assert "number" in refused("title=x", f"source={empty}", "number=x")
    assert not (tmp_path / "media").exists()


@pytest.mark.parametrize(
    "name", ["owner", "id", "state", "cancelled", "hidden", "liveoperation_ptr", "stage_runs", ""]
)
def test_what_is_not_the_operations_own_cannot_be_set(name: str) -> None:
    message = refused("title=x", f"{name}=1")
    assert f"testapp.Typed has no field {name!r} to set" in message
    assert "title, flag, answer" in message
    assert "hidden" not in message.partition("Fields:")[2]


def test_a_slip_of_the_finger_gets_a_hint() -> None:
    assert "Did you mean 'number'?" in refused("nummer=1")
    assert "Did you mean 'note'?" in refused("noote=x", label="testapp.Scripted")


def test_a_class_without_fields_says_so() -> None:
    assert "Fields: none." in refused("note=x", label="testapp.AsyncScripted")


def test_a_value_without_a_name() -> None:
    assert refused("title") == "--set takes FIELD=VALUE; got 'title'."


def test_the_operation_speaks_the_language_of_the_command() -> None:
    Scripted.body = lambda op, p: None
    with translation.override("de"):
        settle("note=x", label="testapp.Scripted")
    operation = Scripted.objects.get()
    assert operation.language == "de"
    assert operation.created_on <= timezone.now()

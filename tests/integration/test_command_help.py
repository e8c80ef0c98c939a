"""What ``run_liveop --help`` says, alone and with the class of an operation."""

import pytest

from liveops.models import LiveOperation
from tests.integration.command_stages import EXCURSION, LAUNCH, typed
from tests.testapp.models import Typed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the help the width of an ordinary terminal."""
    monkeypatch.setenv("COLUMNS", "80")


def described(told: str, option: str) -> str:
    """Return what the help says about an option, in one line."""
    words = told[told.index(f"\n  {option} ") :].split()[2:]
    end = next((place for place, word in enumerate(words) if word.startswith("--")), None)
    return " ".join(words[:end])


def test_help_for_everything_says_how_to_learn_more(capsys: pytest.CaptureFixture[str]) -> None:
    status, told = typed(capsys, "--help")
    assert status == 0
    assert "app_label.ModelName [options]" in told
    assert "Exit status: 0 success, 1 failed, 130 cancelled" in told
    assert "Name the operation's class before --help" in told
    for option in ("--owner", "--set", "--stage", "--dry-run"):
        assert f"\n  {option}" in told
    assert "-retry-" not in told


def test_help_for_a_class_lists_its_stages(capsys: pytest.CaptureFixture[str]) -> None:
    status, told = typed(capsys, LAUNCH, "--help")
    assert status == 0
    assert "Roll something out.\n\nSlowly, at first.\n" in told
    headings = [
        told.index(text) for text in ("Building it", "Saving it", "Setting it", "\n  保存 7\n")
    ]
    assert headings == sorted(headings)
    assert "\n  Build       Building it\n" in told
    assert described(told, "--save-to-db-retry-attempts").endswith("(default 1)")
    assert described(told, "--save-to-db-retry-timeout").endswith("(default 90)")
    assert described(told, "--set-retry-delay").endswith("(default 1.5)")
    assert told.count("-retry-timeout SECONDS\n") == 4
    assert LiveOperation.objects.exists() is False


def test_help_for_a_class_without_stages_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    status, told = typed(capsys, "testapp.Typed", "--help")
    assert status == 0
    assert "This operation has no stages." in told


def test_help_claims_no_default_that_it_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    _, told = typed(capsys, EXCURSION, "--help")
    assert "(default" not in described(told, "--walk-retry-attempts")


def test_help_lists_fields_with_kind_choices_and_default(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, told = typed(capsys, "testapp.Typed", "--help")
    lines = told[told.index("fields, for --set:") :].splitlines()[1:]
    fields = {
        line.split(maxsplit=1)[0]: line.split(maxsplit=1)[1] for line in lines if line.strip()
    }
    own = {field.name for field in Typed._meta.local_fields if field.editable}
    assert fields.keys() == (own | {"rows"}) - {"liveoperation_ptr"}
    assert fields["title"] == "String (up to 20); required"
    assert fields["flag"].endswith("default False")
    assert "one of s, l" in fields["size"]
    assert "hidden" not in fields
    assert "owner" not in fields

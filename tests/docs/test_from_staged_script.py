"""What docs/how-to/from-staged-script.md says is so: one script, played on both packages."""

import re
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs import site
from tests.docs.pages import Command, blocks, files, sessions
from tests.docs.playing import difference, type_into_shell, type_into_site

PAGE = "how-to/from-staged-script.md"
THEIRS = re.compile(r"^from staged_script import .*$", re.M)


def command(program: str) -> Command:
    """Return the one command of the page that begins so."""
    (found,) = [one for each in sessions(PAGE) for one in each if one.line.startswith(program)]
    return found


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="docs-") as path:
        yield Path(path)


SAME = {
    "headings": r"│ (Fetching the list|Counting it) +│",
    "attempts": r"[`'](\w+)[`'] stage (?:took|duration)",
    "own words": r"The list is here\.",
    "printed by commands": r"^28,000 rows$",
    "how to run it again": r"^ +(--[\w -]+?)(?: \\)? *$",
    "result": r"^ +(Success) *$",
}
"""What does not depend on how a package puts it."""


def parts(folder: Path, name: str, line: str) -> dict[str, list[str]]:
    """Return what a script printed of :data:`SAME`."""
    script = shlex.split(line)[1]
    (printed,) = type_into_shell([line.replace(script, name)], folder)
    found = {part: re.findall(pattern, printed, re.M) for part, pattern in SAME.items()}
    found["how to run it again"].sort()  # staged-script asks a set
    assert all(found.values()), (found, printed)
    return found


def test_only_the_import_is_another_one(folder: Path) -> None:
    before, after, _ = blocks(PAGE, "python")
    assert before.startswith("# before: nightly.py\n")
    (line,) = THEIRS.findall(before)
    assert after == f"{line.replace('staged_script', 'liveops.scripts')}\n"
    folder.joinpath("theirs.py").write_text(before, encoding="utf-8")
    folder.joinpath("ours.py").write_text(before.replace(line, after), encoding="utf-8")
    run = command("python nightly.py").line
    ours = parts(folder, "ours.py", run)
    assert ours == parts(folder, "theirs.py", run)
    assert ours["attempts"] == ["fetch", "fetch", "count"]


def test_the_operation_runs(folder: Path) -> None:
    place = folder / "site"
    place.mkdir()
    site.build(place, files(PAGE))
    shown = command("python manage.py")
    printed, status = type_into_site([shown.line, "echo $?"], place)
    assert status == "0\n", printed
    problem = difference(shown.printed, printed.splitlines())
    assert problem is None, problem

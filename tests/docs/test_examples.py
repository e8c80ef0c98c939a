"""Every script that the pages show runs, and prints what stands below it.

The package that scripts are compatible with has 32 examples in its documentation. Each has a
counterpart here, in words and code of our own: see :data:`COUNTERPARTS`.
"""

import ast
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import all_files, files, parameters, sessions
from tests.docs.playing import Player, type_into_shell

HOW_TO = "how-to/scripts.md"
STAGES = "reference/stages.md"
SCRIPTS = "reference/scripts.md"
PAGES = [HOW_TO, STAGES, SCRIPTS]

# Number of the example: page, file, and the commands that show what the example is about.
COUNTERPARTS: dict[int, tuple[str, str, list[str]]] = {
    # A first script, its help, and one of its stages.
    1: (HOW_TO, "backup.py", ["python backup.py --stage pack check"]),
    2: (HOW_TO, "backup.py", ["python backup.py --help"]),
    3: (HOW_TO, "backup.py", ["python backup.py --stage check"]),
    # Options of retrying are hidden.
    4: (HOW_TO, "quiet.py", ["python quiet.py --help"]),
    5: (HOW_TO, "quiet.py", ["python quiet.py --help"]),
    6: (HOW_TO, "quiet.py", ["python quiet.py --stage pack"]),
    # Stages that run by default, in the order of the script.
    7: (HOW_TO, "nightly.py", ["python nightly.py"]),
    8: (HOW_TO, "nightly.py", ["python nightly.py", "python nightly.py --stage check pack"]),
    # Arguments: added, worked on, used.
    9: (HOW_TO, "folder.py", ["python folder.py"]),
    10: (HOW_TO, "folder.py", ["python folder.py --folder notes"]),
    11: (HOW_TO, "folder.py", ["python folder.py --folder notes"]),
    12: (HOW_TO, "folder.py", ["python folder.py --folder notes", "python folder.py", "echo $?"]),
    # Phases of all stages.
    13: (HOW_TO, "careful.py", ["python careful.py --folder notes --count --stage check"]),
    14: (HOW_TO, "careful.py", ["python careful.py --folder notes --count --stage check"]),
    # Phases of one stage.
    15: (HOW_TO, "gentle.py", ["python gentle.py --folder notes"]),
    16: (HOW_TO, "gentle.py", ["python gentle.py --folder notes"]),
    # A stage that is tried again: constructor, body, parser, help, three attempts, none.
    17: (HOW_TO, "upload.py", ["python upload.py"]),
    18: (HOW_TO, "upload.py", ["python upload.py"]),
    19: (HOW_TO, "upload.py", ["python upload.py --help"]),
    20: (HOW_TO, "upload.py", ["python upload.py --help"]),
    21: (HOW_TO, "upload.py", ["python upload.py"]),
    22: (HOW_TO, "upload.py", ["python upload.py --upload-retry-attempts 0", "echo $?"]),
    # Another section of the summary.
    23: (HOW_TO, "listed.py", ["python listed.py --stage pack"]),
    24: (HOW_TO, "listed.py", ["python listed.py --stage pack"]),
    # A class without stages, and with one; what a stage may be called.
    25: (SCRIPTS, "empty.py", ["python empty.py"]),
    26: (SCRIPTS, "one.py", ["python one.py --stage greet"]),
    # The way through all phases; each of them overridden, extended, and made for one stage.
    27: (
        STAGES,
        "trace.py",
        [
            "python trace.py --stage work",
            "python trace.py",
            "python trace.py --stage work --failures 1 --work-retry-attempts 1",
            "python trace.py --stage work --failures 2 --work-retry-attempts 1",
        ],
    ),
    28: (
        STAGES,
        "extend.py",
        [
            "python extend.py --stage work --failures 2 --work-retry-attempts 1",
            "python extend.py",
        ],
    ),
    # The parser extended, other defaults, hidden options; arguments that are refused.
    29: (HOW_TO, "search.py", ["python search.py --help"]),
    30: (HOW_TO, "folder.py", ["python folder.py --folder letters", "echo $?"]),
    31: (HOW_TO, "listed.py", ["python listed.py --stage pack"]),
    # A family of scripts that share stages.
    32: (
        HOW_TO,
        "copying.py",
        [
            "python search.py --help",
            "python rehearse.py --stage copy show count remove",
            "python search.py --to copy --word bread --most 1 --notify",
            "python search.py --to copy --word milk --copy-retry-attempts 0",
            "python search.py --source many --word bread",
        ],
    ),
}


def write_scripts(folder: Path) -> None:
    for path, text in all_files(PAGES).items():
        folder.joinpath(path).write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def player() -> Iterator[Player]:
    with tempfile.TemporaryDirectory(prefix="docs-") as folder:
        yield Player(Path(folder), write_scripts, type_into_shell)


def imported(text: str) -> set[str]:
    """Return the files of ours that a script imports."""
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    return {f"{node.module}.py" for node in nodes}


@pytest.mark.parametrize(("page", "number"), parameters(PAGES))
def test_a_session_prints_what_is_written(player: Player, page: str, number: int) -> None:
    complaints = player.complaints(page, number)
    assert not complaints, "\n\n".join(complaints)


def test_each_of_the_examples_has_a_counterpart() -> None:
    assert sorted(COUNTERPARTS) == list(range(1, 33))


@pytest.mark.parametrize("example", sorted(COUNTERPARTS))
def test_a_counterpart_is_in_its_page_and_was_run(player: Player, example: int) -> None:
    page, path, wanted = COUNTERPARTS[example]
    assert path in files(page)
    played = {
        command.line: lines
        for session, printed in zip(sessions(page), player.printed(page), strict=True)
        for command, lines in zip(session, printed, strict=True)
    }
    for line in wanted:
        assert played[line], f"{line!r} printed nothing."


def test_every_script_is_run_or_imported_by_one_that_is() -> None:
    scripts = all_files(PAGES)
    lines = [command.line for page in PAGES for each in sessions(page) for command in each]
    run = {path for path in scripts if any(f"python {path}" in line for line in lines)}
    used = run | {path for one in run for path in imported(scripts[one])}
    assert set(scripts) <= used

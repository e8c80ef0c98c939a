"""The tour of the house leads through rooms that exist."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import sessions
from tests.docs.playing import ROOT
from tests.unit.test_architecture import LAYERS, OPTIONAL

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
_PATH = re.compile(r"`([\w.*/-]+/|[\w.*/-]+\.(?:py|js|mjs|md|html|toml|txt|json))`")
PLACES = (ROOT, ROOT / "liveops", ROOT / "liveops/static/liveops", ROOT / "liveops/progress")
"""Where a path of the page begins."""

PARTS = (ROOT / "requirements", ROOT / "tests/acceptance", ROOT / "docs")


def parts() -> tuple[str, str]:
    """Return the page before its good first pieces, which may name what is still to be written."""
    house, pieces = PAGE.split("## Good first pieces")
    pieces, rest = pieces.split("\n## ", 1)
    return house + rest, pieces


def exists(path: str) -> bool:
    """Return whether a path of the page leads somewhere."""
    return any(any(place.glob(path.rstrip("/"))) for place in (*PLACES, *PARTS, *rooms()))


def rooms() -> list[Path]:
    """Return the folders of the package."""
    return [path for path in (ROOT / "liveops").iterdir() if path.is_dir()]


@pytest.mark.parametrize("path", sorted(set(_PATH.findall(parts()[0])) - {"path.py"}))
def test_a_place_of_the_tour_exists(path: str) -> None:
    assert exists(path) or path in {"log.txt", ".tools/"}, path


@pytest.mark.parametrize("path", sorted(set(_PATH.findall(parts()[1]))))
def test_a_good_first_piece_has_somewhere_to_go(path: str) -> None:
    assert exists(path) or (ROOT / path).parent.is_dir(), path


def test_every_package_has_its_room() -> None:
    named = {room.split("/")[0] for room in re.findall(r"`(?:liveops/)?([\w]+/)", PAGE)}
    packages = {path.name for path in rooms() if path.joinpath("__init__.py").is_file()}
    assert packages - named <= {"startop", "testing"}


def test_the_words_of_the_architecture_test_are_explained() -> None:
    assert all(f"`{name}`" in PAGE for name in ("LAYERS", "PURE", "OPTIONAL"))
    assert (min(LAYERS.values()), max(LAYERS.values())) == (0, 7)
    assert OPTIONAL


def test_its_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", PAGE)
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_the_tests_that_are_run_by_hand_are_there() -> None:
    by_pytest, some, by_node = [each.line.split() for each in sessions("../CONTRIBUTING.md")[0]]
    assert (ROOT / by_pytest[-1]).is_dir()
    *_, path, option, word = some
    assert option == "-k"
    assert re.search(rf"def test_\w*{word}", (ROOT / path).read_text(encoding="utf-8"))
    assert by_node[:2] == ["node", "--test"]
    assert (ROOT / by_node[2]).is_file()

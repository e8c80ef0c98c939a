"""What is in the wheel and in the source distribution: what git knows of, and nothing else."""

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from scripts import bill
from tests.packaging.building import PATIENCE, ROOT, build
from tests.packaging.conftest import NAME

BESIDE = {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml", ".gitignore", "PKG-INFO"}


@pytest.fixture(scope="module")
def sdist_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, built with what is installed."""
    return build("sdist", tmp_path_factory.mktemp("sdist"))


def known(folder: str) -> set[str]:
    """Return the files below a folder of the tree that git has, or would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", folder]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, encoding="utf-8")
    return {name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()}


@pytest.mark.promise("wheel-holds-the-package-alone")
def test_the_wheel_holds_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    described = {name for name in names if name.startswith(f"{NAME}.dist-info/")}
    assert names - described == known("liveops")
    assert {Path(name).name for name in described} >= {
        *("METADATA", "WHEEL", "RECORD", "LICENSE", bill.PATH.name)
    }
    assert {Path(name).name for name in described} <= {
        *("METADATA", "WHEEL", "RECORD", "LICENSE", bill.PATH.name, "entry_points.txt")
    }


@pytest.mark.parametrize(
    "pattern",
    [
        r"liveops/py\.typed",
        r"liveops/templates/liveops/operation\.html",
        r"liveops/static/liveops/liveops\.(js|css)",
        r"liveops/migrations/0001_initial\.py",
        r"liveops/management/commands/run_liveop\.py",
    ],
)
def test_what_people_need_is_in_the_wheel(wheel: zipfile.ZipFile, pattern: str) -> None:
    assert any(re.fullmatch(pattern, name) for name in wheel.namelist())


def test_every_catalogue_is_there_as_source_and_compiled(wheel: zipfile.ZipFile) -> None:
    names = [name for name in wheel.namelist() if name.startswith("liveops/locale/")]
    sources = {name.removesuffix(".po") for name in names if name.endswith(".po")}
    assert sources
    assert sources == {name.removesuffix(".mo") for name in names if name.endswith(".mo")}


def test_the_source_distribution_holds_what_the_wheel_is_built_from(sdist_file: Path) -> None:
    with tarfile.open(sdist_file) as opened:
        names = {each.name.removeprefix(f"{NAME}/") for each in opened if each.isfile()}
    assert names == known("liveops") | known("sbom") | BESIDE


def test_the_wheel_from_the_source_distribution_is_the_same(
    sdist_file: Path, wheel: zipfile.ZipFile, tmp_path: Path
) -> None:
    with tarfile.open(sdist_file) as opened:
        opened.extractall(tmp_path / "source", filter="data")
    source, folder = tmp_path / "source" / NAME, tmp_path / "wheel"
    folder.mkdir()
    with zipfile.ZipFile(build("wheel", folder, source)) as other:
        assert other.namelist() == wheel.namelist()
        assert [name for name in wheel.namelist() if other.read(name) != wheel.read(name)] == []


def test_two_builds_are_the_same_to_the_byte(wheel_file: Path, tmp_path: Path) -> None:
    assert build("wheel", tmp_path).read_bytes() == wheel_file.read_bytes()


def test_the_checkers_have_nothing_to_say(wheel_file: Path, sdist_file: Path) -> None:
    for command in (
        # W004 minds the names of Django's migrations, which nobody imports by them.
        ["check_wheel_contents", "--ignore", "W004", str(wheel_file)],
        ["twine", "check", "--strict", str(wheel_file), str(sdist_file)],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *command],
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

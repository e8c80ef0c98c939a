"""Hold the pinned packages to what pyproject.toml asks for, without a network."""

import itertools
import json
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts import environment, lock, pinned, pip_settings

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FILES = [each.name for each in lock.LOCKS]
SYSTEMS = {"linux": "Linux", "darwin": "Darwin"}
MACHINES = list(itertools.product(range(11, 15), SYSTEMS))
"""The minor version of Python and the system."""


@cache
def pins(name: str) -> list[pinned.Pin]:
    return pinned.read(ROOT / "requirements" / f"{name}.txt")


@cache
def holds(marker: str, machine: tuple[int, str]) -> bool:
    minor, system = machine
    values = {
        "python_version": f"3.{minor}",
        "python_full_version": f"3.{minor}.0",
        "sys_platform": system,
        "platform_system": SYSTEMS[system],
        "extra": "",
    }
    return not marker or Marker(marker).evaluate(values)


def asked(texts: list[str]) -> Iterator[Requirement]:
    """Give requirements; instead of an extra of this project, what that asks for."""
    for requirement in map(Requirement, texts):
        if requirement.name == PYPROJECT["project"]["name"]:
            for extra in requirement.extras:
                yield from asked(PYPROJECT["project"]["optional-dependencies"][extra])
        else:
            yield requirement


def wanted(name: str) -> list[Requirement]:
    """Return what a file has to pin, as the options say that uv is called with to write it."""
    project, groups = PYPROJECT["project"], PYPROJECT["dependency-groups"]
    parts = next(each.parts for each in lock.LOCKS if each.name == name)
    texts = list(project["dependencies"]) if "pyproject.toml" in parts else []
    for option, value in itertools.pairwise(parts):
        if option == "--extra":
            texts += project["optional-dependencies"][value]
        elif option == "--group":
            texts += groups[value]
    return list(asked(texts))


@pytest.mark.promise("development-is-pinned")
@pytest.mark.parametrize("name", FILES)
def test_the_lock_fits_pyproject(name: str) -> None:
    missing = [
        f"{requirement} on {machine}"
        for requirement in wanted(name)
        for machine in MACHINES
        if holds(str(requirement.marker or ""), machine)
        and not fits(requirement, pins(name), machine)
    ]
    assert missing == [], "make lock"


def fits(requirement: Requirement, every: list[pinned.Pin], machine: tuple[int, str]) -> bool:
    """Tell whether exactly one version is pinned there, and will do."""
    name = canonicalize_name(requirement.name)
    versions = [pin.version for pin in every if pin.name == name and holds(pin.marker, machine)]
    return len(versions) == 1 and requirement.specifier.contains(versions[0], prereleases=True)


@pytest.mark.parametrize("name", FILES)
def test_each_package_is_pinned_once_wherever_it_is_installed(name: str) -> None:
    for machine in MACHINES:
        names = [pin.name for pin in pins(name) if holds(pin.marker, machine)]
        assert len(names) == len(set(names)), machine


def test_files_that_share_an_environment_agree() -> None:
    main = {(pin.name, pin.version) for pin in pins("dev")}
    names = {name for name, _ in main}
    for other in ("example", "node"):
        assert {(pin.name, pin.version) for pin in pins(other) if pin.name in names} <= main


def test_what_builds_the_package_is_pinned() -> None:
    build = [Requirement(text) for text in PYPROJECT["build-system"]["requires"]]
    for name in ("dev", "example", "node"):
        assert all(fits(each, pins(name), machine) for each in build for machine in MACHINES)
    assert "editables" in {pin.name for pin in pins("dev")}


def test_every_file_is_one_that_is_written() -> None:
    there = {path.stem for path in (ROOT / "requirements").glob("*.txt")}
    assert there == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_nothing_of_a_machine_is_in_a_lock(name: str) -> None:
    text = environment.pins(name).read_text(encoding="utf-8")
    assert re.search(r"://|^--|^-[a-z] | @ |/(home|opt|root|tmp|work)/", text, re.MULTILINE) is None


@pytest.mark.parametrize(
    "line",
    [
        "django>=5 --hash=sha256:" + "a" * 64,
        "django==5.2",
        "django==5.2 --hash=md5:" + "a" * 32,
        "--index-url https://elsewhere/",
        "django @ https://elsewhere/django.whl --hash=sha256:" + "a" * 64,
    ],
)
def test_a_line_that_leaves_something_open_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "dev.txt"
    path.write_text(f"# made\n{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="pins nothing"):
        pinned.read(path)


# The JavaScript tools


@pytest.mark.promise("tools-are-pinned")
def test_each_javascript_tool_has_its_hash_and_is_what_package_json_asks_for() -> None:
    asks = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    locked = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    packages: dict[str, dict[str, Any]] = locked["packages"]
    assert packages.pop("")["devDependencies"] == asks["devDependencies"]
    assert [name for name, each in packages.items() if "sha512-" not in each["integrity"]] == []
    for name, version in asks["devDependencies"].items():
        assert packages[f"node_modules/{name}"]["version"] == version, "npm install"
    assert not any(each.get("hasInstallScript") for each in packages.values())
    source = (ROOT / "scripts" / "ensure_parts.py").read_text(encoding="utf-8")
    assert '"ci"' in source, "npm install would take what the lock does not have"


# Writing the files

LISTING = """
global.constraint='/constraints.txt'
global.extra-index-url='file:///one'
global.find-links='/wheels'
global.index-url='https://mirror/simple'
"""


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Record what would be run; the tool is there."""
    recorded: list[list[str]] = []

    def record(command: list[str], failure: str, variables: object = None) -> str:
        recorded.append([str(part) for part in command])
        return LISTING if "config" in command else ""

    monkeypatch.setattr(environment, "ensure_tool", Path)
    monkeypatch.setattr(environment, "run_quietly", record)
    return recorded


@pytest.mark.parametrize(("more", "newest"), [([], False), (["--upgrade", "1"], True)])
def test_make_lock_writes_each_file(steps: list[list[str]], more: list[str], newest: bool) -> None:
    assert lock.main(more) == 0
    written = [step for step in steps if "compile" in step]
    outputs = [step[step.index("--output-file") + 1] for step in written]
    assert outputs == [f"requirements/{name}.txt" for name in FILES]
    for step in written:
        assert {"--universal", "--generate-hashes", "--no-emit-index-url"} <= set(step)
        assert ("--upgrade" in step) == newest
        assert step[-2:] == ["--default-index", "https://mirror/simple"], "no second source"
        assert "/constraints.txt" not in step


def test_a_lock_that_cannot_be_written_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(name: str, program: str) -> Path:
        raise environment.CommandError("uv could not be installed.")

    monkeypatch.setattr(environment, "ensure_tool", fail)
    assert lock.main([]) == 1
    assert "uv could not be installed" in capsys.readouterr().err


def test_pinned_packages_are_installed_without_constraints() -> None:
    settings = pip_settings.of_pinned(pip_settings.translated(LISTING, {}))
    assert "--constraint" not in settings.options
    assert {"--index", "--find-links", "--default-index"} <= set(settings.options)


def test_a_tool_has_an_environment_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "audit.txt").write_text("pip-audit==2\n", encoding="utf-8")
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "TOOLS", tmp_path / ".tools")
    recorded: list[list[str]] = []

    def record(command: list[object], failure: str, variables: object = None) -> str:
        recorded.append([str(part) for part in command])
        environment.tool_python("audit").parent.mkdir(parents=True, exist_ok=True)
        environment.tool_python("audit").touch()
        return ""

    monkeypatch.setattr(environment, "run_quietly", record)
    program = tmp_path / ".tools" / "audit" / "bin" / "pip-audit"
    assert environment.ensure_tool("audit", "pip-audit") == program
    assert [step[2] for step in recorded] == ["venv", "pip"]
    assert "--require-hashes" in recorded[1]
    recorded.clear()
    environment.ensure_tool("audit", "pip-audit")
    assert recorded == []

"""Test how Redis and PostgreSQL are found and brought, without installing anything."""

import os
import shutil
from pathlib import Path

import pytest

from scripts import ensure_parts, environment, lint
from scripts import test as suite
from scripts.environment import CommandError


@pytest.fixture(autouse=True)
def policy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave alone what the machine says of its services."""
    monkeypatch.setattr(ensure_parts, "POLICY", tmp_path / "policy-rc.d")


def which(*known: str) -> ensure_parts.Which:
    return lambda name: next((path for path in known if name in {path, Path(path).name}), None)


def test_redis_is_found_by_variable_then_by_name() -> None:
    both = which("/opt/redis-server-8", "/usr/bin/redis-server")
    chosen = {"REDIS_SERVER": "/opt/redis-server-8"}
    assert ensure_parts.find_redis(chosen, both) == "/opt/redis-server-8"
    assert ensure_parts.find_redis({"REDIS_SERVER": ""}, both) == "/usr/bin/redis-server"
    assert ensure_parts.find_redis({}, which()) is None


def test_a_redis_that_cannot_be_run_is_named() -> None:
    with pytest.raises(CommandError, match="REDIS_SERVER=/no/such"):
        ensure_parts.find_redis({"REDIS_SERVER": "/no/such"}, which("/usr/bin/redis-server"))


def installed(folder: Path, *versions: str) -> Path:
    """Return a folder like Debian's, with these versions of PostgreSQL."""
    for version in versions:
        programs = folder / version / "bin"
        programs.mkdir(parents=True)
        for name in ensure_parts.POSTGRES_NAMES:
            (programs / name).touch()
    return folder


def test_postgresql_is_found_where_the_variable_says(tmp_path: Path) -> None:
    chosen = {"POSTGRES_BIN": "/opt/pg/bin"}
    there = which("/opt/pg/bin/initdb", "/opt/pg/bin/postgres")
    debian = installed(tmp_path, "15")
    assert ensure_parts.find_postgres(chosen, there, debian) == "/opt/pg/bin"
    with pytest.raises(CommandError, match="POSTGRES_BIN=/opt/pg/bin has no initdb and postgres"):
        ensure_parts.find_postgres(chosen, which(), debian)


def test_postgresql_on_the_search_path_comes_before_debian_s(tmp_path: Path) -> None:
    there = which("/opt/pg/bin/postgres", "/opt/pg/bin/initdb")
    assert ensure_parts.find_postgres({}, there, installed(tmp_path, "15")) == "/opt/pg/bin"


def test_of_debian_s_versions_the_newest_that_is_whole_is_taken(tmp_path: Path) -> None:
    debian = installed(tmp_path, "9.6", "15", "17")
    (debian / "17" / "bin" / "postgres").unlink()  # only the client's package
    assert ensure_parts.find_postgres({}, which(), debian) == str(debian / "15" / "bin")
    assert ensure_parts.find_postgres({}, which(), tmp_path / "none") is None


@pytest.fixture
def nothing_found(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("find_redis", "find_postgres"):
        monkeypatch.setattr(ensure_parts, name, lambda variables: None)


@pytest.mark.usefixtures("nothing_found")
def test_a_missing_redis_names_the_command_and_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(CommandError) as raised:
        ensure_parts.ensure_engines()
    assert "apt-get install -y --no-install-recommends redis-server" in str(raised.value)
    assert "REDIS_SERVER=/path/to/redis-server make test" in str(raised.value)


@pytest.mark.usefixtures("nothing_found")
def test_a_missing_postgresql_names_the_command_and_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ensure_parts, "find_redis", lambda variables: "/found")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(CommandError) as raised:
        ensure_parts.ensure_engines()
    assert "apt-get install -y --no-install-recommends postgresql" in str(raised.value)
    assert "POSTGRES_BIN=/path/to/its/bin make test" in str(raised.value)


def test_what_is_missing_is_installed_where_that_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[list[str]] = []
    monkeypatch.setattr(environment, "run_quietly", lambda step, *rest: steps.append(step))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    for name, package in [("find_redis", "redis-server"), ("find_postgres", "postgresql")]:
        monkeypatch.setattr(
            ensure_parts,
            name,
            lambda variables, package=package: (
                f"/{package}" if any(package in step for step in steps) else None
            ),
        )
    assert ensure_parts.ensure_engines() == {
        "REDIS_SERVER": "/redis-server",
        "POSTGRES_BIN": "/postgresql",
    }
    assert [step[1] for step in steps] == ["update", "install"] * 2


def test_one_that_cannot_be_found_after_it_was_installed_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(environment, "run_quietly", lambda step, *rest: None)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(CommandError, match="Redis was installed but cannot be found"):
        ensure_parts.REDIS.ensure(lambda variables: None)


def test_the_suite_tells_its_tests_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "ensure", lambda extra: Path("python"))
    monkeypatch.setattr(ensure_parts, "ensure_chromium", lambda: "/chromium")
    monkeypatch.setattr(ensure_parts, "ensure_engines", lambda: {"REDIS_SERVER": "/redis"})
    monkeypatch.setattr(ensure_parts, "ensure_proxies", lambda: {"NGINX": "/nginx"})
    monkeypatch.setattr(ensure_parts, "ensure_node_modules", lambda: (["npm"], {}))
    monkeypatch.setattr(lint, "lint", lambda python, **options: True)
    told: list[str | None] = []

    def record(command: list[str], variables: dict[str, str]) -> int:
        told.append(variables.get("REDIS_SERVER"))
        return 0

    monkeypatch.setattr(environment, "run_loudly", record)
    assert suite.main([]) == 0
    assert told[-2:] == ["/redis"] * 2

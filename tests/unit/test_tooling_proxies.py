"""Test how nginx and Caddy are found and brought, without installing anything."""

import os
from pathlib import Path

import pytest

from scripts import ensure_parts, environment
from scripts.environment import CommandError


@pytest.fixture
def policy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    path = tmp_path / "policy-rc.d"
    monkeypatch.setattr(ensure_parts, "POLICY", path)
    return path


@pytest.mark.parametrize("name", ["nginx", "caddy"])
def test_a_proxy_is_found_by_variable_by_name_and_where_root_has_it(name: str) -> None:
    find, variable = getattr(ensure_parts, f"find_{name}"), name.upper()
    assert find({variable: "/opt/mine"}, lambda asked: asked) == "/opt/mine"
    places = {f"/usr/sbin/{name}"}
    assert find({}, lambda asked: asked if asked in places else None) == f"/usr/sbin/{name}"
    assert find({}, lambda asked: None) is None
    with pytest.raises(CommandError, match=f"{variable}=/no/such is not a program"):
        find({variable: "/no/such"}, lambda asked: None)


def test_a_missing_proxy_names_the_command_and_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ensure_parts, "find_nginx", lambda variables: "/nginx")
    monkeypatch.setattr(ensure_parts, "find_caddy", lambda variables: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(CommandError) as raised:
        ensure_parts.ensure_proxies()
    assert "The tests behind a proxy need Caddy" in str(raised.value)
    assert "apt-get install -y --no-install-recommends caddy" in str(raised.value)
    assert "CADDY=/path/to/caddy make test" in str(raised.value)


def test_the_tests_are_told_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("nginx", "caddy"):
        monkeypatch.setattr(ensure_parts, f"find_{name}", lambda variables, name=name: f"/{name}")
    assert ensure_parts.ensure_proxies() == {"NGINX": "/nginx", "CADDY": "/caddy"}


def test_no_service_is_started_by_an_installation(
    monkeypatch: pytest.MonkeyPatch, policy: Path
) -> None:
    asked: list[str] = []

    def install(step: list[str], *_: object) -> None:
        assert os.access(policy, os.X_OK)
        asked.append(policy.read_text(encoding="utf-8"))

    monkeypatch.setattr(environment, "run_quietly", install)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(CommandError, match="nginx was installed but cannot be found"):
        ensure_parts.NGINX.ensure(lambda variables: None)
    assert [text.splitlines()[-1] for text in asked] == ["exit 101"] * 2
    assert not policy.exists()


def test_what_the_machine_says_of_its_services_stays(policy: Path) -> None:
    policy.write_text("its own", encoding="utf-8")
    with ensure_parts.no_services(policy):
        assert policy.read_text(encoding="utf-8") == "its own"
    assert policy.read_text(encoding="utf-8") == "its own"

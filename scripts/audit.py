"""Ask for known vulnerabilities of what is pinned: ``make audit``.

The registries of Python and of JavaScript are asked, each by its own client. Where one cannot be
asked, the command says so and ends with a status of its own: no answer is no good news.
"""

import json
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts import ensure_parts, environment, pinned
from scripts.lock import LOCKS

CLEAN, VULNERABLE, UNKNOWN = 0, 1, 3
"""The exit status; 2 stays what a command says that was called wrongly."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one registry said: of how many packages, what it knows of them, and why it said less."""

    packages: int
    known: tuple[str, ...] = ()
    trouble: str = ""


def rounds(pins: Iterable[pinned.Pin]) -> list[dict[str, pinned.Pin]]:
    """Return the pins in rounds that have each package once: it may have a version per Python."""
    found: list[dict[str, pinned.Pin]] = []
    for pin in {(pin.name, pin.version): pin for pin in pins}.values():
        free = next((each for each in found if pin.name not in each), None)
        if free is None:
            found.append(free := {})
        free[pin.name] = pin
    return found


def read_pip_audit(said: str, complained: str) -> Answer:
    """Return what the output of ``pip-audit --format json`` says."""
    try:
        packages: list[dict[str, Any]] = json.loads(said)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Answer(0, trouble=_last_line(complained or said))
    skipped = [f"{each['name']}: {each['skip_reason']}" for each in packages if "vulns" not in each]
    known = tuple(
        f"{each['name']} {each['version']}: {found['id']}, "
        f"mended in {', '.join(found['fix_versions']) or 'no version yet'}"
        for each in packages
        for found in each.get("vulns", [])
    )
    return Answer(len(packages) - len(skipped), known, "; ".join(skipped))


def read_npm_audit(said: str, complained: str) -> Answer:
    """Return what the output of ``npm audit --json`` says."""
    try:
        report: dict[str, Any] = json.loads(said)
        packages = int(report["metadata"]["dependencies"]["total"])
        found: dict[str, dict[str, Any]] = report["vulnerabilities"]
    except (ValueError, KeyError, TypeError):
        return Answer(0, trouble=_npm_trouble(said) or _last_line(complained or said))
    known = tuple(f"{name}: {each['severity']}, {each['range']}" for name, each in found.items())
    return Answer(packages, known)


def _npm_trouble(said: str) -> str:
    try:
        return str(json.loads(said)["message"])
    except (ValueError, KeyError, TypeError):
        return ""


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1].strip()


def status(answers: dict[str, Answer]) -> int:
    """Print what each registry said; return the exit status."""
    for title, answer in answers.items():
        for line in answer.known:
            print(f"{title}: {line}")
        if answer.trouble:
            told = "this says nothing of safety, for not everything could be asked"
            print(f"{title}: {told}: {answer.trouble}", file=sys.stderr)
        if answer.packages:
            print(
                f"{title}: {len(answer.known)} known vulnerabilities in {answer.packages} packages."
            )
    if any(answer.known for answer in answers.values()):
        return VULNERABLE
    return UNKNOWN if any(answer.trouble for answer in answers.values()) else CLEAN


def ask_python(folder: Path) -> Answer:
    """Ask for every pinned Python package; `folder` is for files that are needed meanwhile.

    The first question is for one package: where that is not answered, the rest is not asked.
    """
    program = environment.ensure_tool("audit", "pip-audit")
    first, *others = [pinned.read(environment.pins(lock.name)) for lock in LOCKS]
    rest = [pin for pins in others for pin in pins]
    answer = Answer(0)
    for number, chosen in enumerate([*rounds(first), *rounds(rest)]):
        path = folder / f"round-{number}.txt"
        path.write_text("".join(_line(pin) for pin in chosen.values()), encoding="utf-8")
        command = [str(program), "--requirement", str(path), "--disable-pip", "--require-hashes"]
        more = ["--format", "json", "--progress-spinner", "off", "--timeout", "30"]
        said = read_pip_audit(*environment.outputs([*command, *more]))
        answer = Answer(answer.packages + said.packages, answer.known + said.known, said.trouble)
        if said.trouble:
            break
    return answer


def _line(pin: pinned.Pin) -> str:
    hashes = "".join(f" --hash=sha256:{digest}" for digest in pin.hashes)
    return f"{pin.name}=={pin.version}{hashes}\n"


def ask_javascript() -> Answer:
    """Ask for every package of package-lock.json."""
    npm, variables = ensure_parts.ensure_node()
    return read_npm_audit(*environment.outputs([*npm, "audit", "--json"], variables))


def main(arguments: list[str]) -> int:
    """Ask both; return 0 if nothing is known, 1 if something is, 3 if one could not be asked."""
    del arguments
    try:
        with tempfile.TemporaryDirectory() as folder:
            answers = {"Python": ask_python(Path(folder))}
        answers["JavaScript"] = ask_javascript()
    except environment.CommandError as error:
        print(error, file=sys.stderr)
        return UNKNOWN
    return status(answers)

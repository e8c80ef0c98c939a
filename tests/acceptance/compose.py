"""The services of docker-compose.yml as processes of this machine: same commands, same settings.

Where a service listens is all that differs from a container, and `Stack.here` is the one place
that says so: names of services become 127.0.0.1, ports become free ones, /media a folder.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.engines.journal import Journal
from tests.engines.process import Process
from tests.engines.servers import Postgres, free_port

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "example_project"


class Stack:
    """The services, each started by hand; all end with :meth:`close`.

    Args:
        folder: where logs and uploads go.
        postgres: a running server, which stands for the service of that name.
        programs: folders with the programs that the images bring.
    """

    def __init__(self, folder: Path, postgres: Postgres, programs: list[str]) -> None:
        text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
        self.services: dict[str, dict[str, Any]] = yaml.safe_load(text)["services"]
        self.folder = folder
        self.postgres_port = str(postgres.port)
        self.redis_port, self.web_port = str(free_port()), str(free_port())
        self._programs = [str(Path(sys.executable).parent), *programs]
        self._journal = Journal(folder / "journal")
        self._family: list[Process] = []
        (folder / "media").mkdir()

    @property
    def url(self) -> str:
        """The address of the web service."""
        return f"http://127.0.0.1:{self.web_port}"

    def here(self, text: str) -> str:
        """Return a part of a command or a setting as it is on this machine."""
        for theirs, ours in (
            ("redis://redis:6379", f"redis://127.0.0.1:{self.redis_port}"),
            ("127.0.0.1:8000", f"127.0.0.1:{self.web_port}"),
            ("--port=5432", f"--port={self.postgres_port}"),
        ):
            text = text.replace(theirs, ours)
        whole = {
            "postgres": "127.0.0.1",
            "5432": self.postgres_port,
            "6379": self.redis_port,
            "8000": self.web_port,
            "0.0.0.0": "127.0.0.1",  # noqa: S104  (the container's, not this machine's)
            "/media": str(self.folder / "media"),
        }
        return whole.get(text, text)

    def command(self, name: str) -> list[str]:
        """Return the command of a service."""
        extra = []
        if name == "redis":
            extra = ["--bind", "127.0.0.1", "--port", self.redis_port, "--dir", str(self.folder)]
        return [*map(self.here, self.services[name]["command"]), *extra]

    def environment(self, name: str) -> dict[str, str]:
        """Return the variables of a service's process."""
        given = self.services[name].get("environment", {})
        paths = [*self._programs, os.environ.get("PATH", os.defpath)]
        return {
            **os.environ,
            **{key: self.here(value) for key, value in given.items()},
            "PATH": os.pathsep.join(paths),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
        }

    def start(self, name: str) -> Process:
        """Start a service."""
        return Process(
            self.command(name),
            self.environment(name),
            self.folder / f"{name}.log",
            self._journal,
            self._family,
            folder=EXAMPLE,
        )

    def run(self, name: str) -> None:
        """Run a service that ends by itself, and see to it that it ends well."""
        process = self.start(name)
        assert process.wait(120) == 0, process.log

    def is_healthy(self, name: str) -> bool:
        """Return what the health check of a service says."""
        kind, *command = self.services[name]["healthcheck"]["test"]
        assert kind == "CMD"
        done = subprocess.run(
            [self.here(part) for part in command],
            env=self.environment(name),
            cwd=EXAMPLE,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return done.returncode == 0

    def close(self) -> None:
        """Kill what runs."""
        for process in self._family:
            if process.is_running:
                process.kill()

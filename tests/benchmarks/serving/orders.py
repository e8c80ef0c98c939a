"""Processes that are told what to do, a line of JSON at a time, and answer each with a line."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self


class Helper:
    """A process that carries out orders.

    Args:
        module: what it runs; it reads `received` and calls `answer` once for each.
        environment: its variables.
        log: the file that takes its errors.
    """

    def __init__(self, module: str, environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module],
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                bufsize=1,
            )

    def ask(self, do: str, **order: Any) -> dict[str, Any]:
        """Have something done; return the answer when it is."""
        self.tell(do, **order)
        return self.hear()

    def tell(self, do: str, **order: Any) -> None:
        """Have something done without waiting for the answer, which `hear` returns."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **order}) + "\n")

    def hear(self) -> dict[str, Any]:
        """Return the answer to the order before."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(self._log.read_text("utf-8", "replace")[-4000:])
        told: dict[str, Any] = json.loads(line)
        return told

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def received() -> Iterator[dict[str, Any]]:
    """Return the orders to this process, until there will be no more."""
    for line in iter(sys.stdin.readline, ""):
        yield json.loads(line)


def answer(**told: Any) -> None:
    """Answer the order that was received last."""
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()

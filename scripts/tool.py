"""Run Python with the development packages: ``start.py tool -m tests.benchmarks``."""

import sys

from scripts import environment


def main(arguments: list[str]) -> int:
    """Run the interpreter of the environment with `arguments`; return its exit status."""
    try:
        python = environment.ensure("dev")
    except environment.CommandError as error:
        print(error, file=sys.stderr)
        return 1
    return environment.run_loudly([python, *arguments])

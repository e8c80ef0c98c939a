"""Kill workers at random for longer than the suite does: ``make chaos ROUNDS=2000 SEED=4711``."""

import argparse
import sys

from scripts import ensure_parts, environment

TEST = "tests/acceptance/survival/test_chaos.py"


def main(arguments: list[str]) -> int:
    """Play so many rounds; return 0 if no promise was broken."""
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--rounds", default="", help="how many (default: as many as the suite)")
    parser.add_argument("--seed", default="", help="play this seed again (default: a new one)")
    options = parser.parse_args(arguments)
    try:
        python = str(environment.ensure("dev"))
        engines = ensure_parts.ensure_engines()
    except environment.CommandError as error:
        print(error, file=sys.stderr)
        return 1
    chosen = {"CHAOS_ROUNDS": options.rounds, "CHAOS_SEED": options.seed}
    variables = environment.clean_environ() | engines | chosen
    return environment.run_loudly([python, "-m", "pytest", "-q", TEST], variables)

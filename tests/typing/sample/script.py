"""A script of a project whose types are checked."""

import sys
from argparse import ArgumentParser
from functools import cached_property
from subprocess import CompletedProcess
from typing import assert_type

from liveops.scripts import RetryStage, StagedScript, StageDuration


class Release(StagedScript):
    @StagedScript.stage("build", "Building the package")
    def build(self, target: str) -> int:
        done = self.run(["make", target], print_command=False)
        assert_type(done.returncode, int)
        if done.returncode:
            raise RetryStage
        return 1

    @StagedScript.stage("upload", "Uploading it")
    async def upload(self) -> str:
        return self.script_name

    @cached_property
    def parser(self) -> ArgumentParser:
        parser = super().parser
        parser.add_argument("--target", default="all")
        return parser

    def main(self, argv: list[str]) -> None:
        self.parse_args(argv)
        assert_type(self.build(self.args.target), int)
        assert_type(self.durations, list[StageDuration])
        assert_type(self.stages_to_run, set[str])
        assert_type(self.script_success, bool)
        self.print_script_execution_summary({"Target": self.args.target})


async def upload(script: Release) -> None:
    assert_type(await script.upload(), str)


def show(script: Release) -> CompletedProcess[str] | None:
    script.print_heading("Done", color="green")
    return None


if __name__ == "__main__":
    Release({"build", "upload"}).main(sys.argv[1:])

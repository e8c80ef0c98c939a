"""The function for bash on the page about completion completes what the page says."""

import os
import subprocess
import sys
from pathlib import Path

from tests.acceptance.conftest import EXAMPLE, environment
from tests.acceptance.databases import migrated
from tests.docs.pages import blocks

ASK = r"""
complete_line() {
    COMP_LINE=$1 COMPREPLY=()
    read -ra COMP_WORDS <<< "$1"
    [[ $1 == *" " ]] && COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _manage_py
    echo "${COMPREPLY[*]}"
}
"""


def test_names_and_classes_are_completed(tmp_path: Path) -> None:
    migrated(tmp_path, "example.settings")
    (function,) = blocks("how-to/shell-completion.md", "bash")
    lines = ["liveops_l", "liveops_list --st", "run_liveop airports."]
    asked = "\n".join(f'complete_line "python manage.py {line}"' for line in lines)
    variables = environment(tmp_path)
    # As in an environment that was activated: `python` is the one that runs this.
    variables["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), variables["PATH"]])
    done = subprocess.run(
        ["bash", "-c", f"{function}\n{ASK}\n{asked}"],  # noqa: S607  (the bash of whoever reads the page)
        env=variables,
        cwd=EXAMPLE,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    names, options, classes = done.stdout.splitlines()
    assert names == "liveops_list"
    assert options == "--state="
    assert "airports.ImportAirports" in classes.split()

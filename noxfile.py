"""The matrix: on which Pythons, Djangos, dependencies and databases the package is tested.

`make matrix` runs the rows that this machine can run and says what the others lack; with nox
at hand, ``nox --session ROW`` runs one. Each row has an environment of its own in ``.tools/nox``.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import nox

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))  # nox is a program of another environment

from scripts import environment, installing, interpreters  # noqa: E402

nox.options.default_venv_backend = "venv"
nox.options.envdir = str(environment.TOOLS / "nox")
nox.options.error_on_missing_interpreters = True

# What a site may add, each of which has an oldest version that the package works with.
EXTRAS = ("celery", "daphne", "opentelemetry", "prometheus", "redis", "tasks")

WHOLE = ("tests/unit", "tests/integration", "tests/conformance")
# What meets a database; beside it, sites of several processes that are killed.
STORED = ("tests/integration", "tests/fuzz")
KILLED = (
    "tests/acceptance/survival/test_atomic.py",
    "tests/acceptance/survival/test_fence.py",
)
# Tests that ask SQLite itself: its one writer, its plans, its quotes, its text without a limit.
OF_SQLITE = tuple(
    f"--deselect=tests/integration/{name}"
    for name in (
        "test_admin_record.py::test_a_record_shows_the_fields_of_its_own_class_of_every_kind",
        "test_hostile_output.py::test_no_page_has_an_element_or_an_attribute_from_data",
        "test_hostile_output.py::test_no_terminal_is_told_anything_but_text",
        "test_interleavings.py",
        "test_mended.py::test_a_stage_in_a_helper_thread_does_not_wait_for_the_run_s_own_lock",
        "test_outages.py::test_a_database_that_may_only_be_read_for_a_while",
        "test_reaping_queries.py",
        "test_shutting_down.py::test_a_run_that_holds_the_database_is_left_to_a_reaper",
        "test_snapshot_sharing.py",
        "test_stage.py::test_a_stage_costs_two_updates_of_the_operation_and_one_row",
        "test_stage_costs.py",
        "test_stage_methods.py::test_a_stage_costs_two_updates_of_the_operation_and_a_skipped_one_costs_one",
        "test_transactions.py",
        "test_views.py::test_hostile_text_is_text_on_every_page",
    )
)
# staged-script itself, which ours is compared with, fails with tenacity 9.0.
OF_NEWEST = ("--deselect=tests/conformance/test_scripts.py",)
# What changes between Pythons and Djangos, in about a minute on two processors.
QUICK = (
    "tests/unit/test_checks.py",
    "tests/unit/test_runner_celery.py",
    "tests/unit/test_runner_checks.py",
    "tests/unit/test_stage_machine.py",
    "tests/unit/test_stage_machine_async.py",
    "tests/unit/test_threaded_pump.py",
    "tests/integration/test_admin_actions.py",
    "tests/integration/test_admin_list.py",
    "tests/integration/test_command.py",
    "tests/integration/test_consumer.py",
    "tests/integration/test_executor.py",
    "tests/integration/test_fencing.py",
    "tests/integration/test_prune.py",
    "tests/integration/test_reaping.py",
    "tests/integration/test_resume.py",
    "tests/integration/test_runner_kinds.py",
    "tests/integration/test_runners.py",
    "tests/integration/test_snapshot_view.py",
    "tests/integration/test_stage_methods.py",
    "tests/integration/test_views.py",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        name: what ``make matrix ROWS=…`` calls it.
        python: the version, as `major.minor`.
        django: the series, or "pinned": what requirements/dev.txt says for this Python.
        dependencies: "newest" that the registry has; "oldest" of what the package and its extras
            ask for; "pinned" with their hashes.
        database: "sqlite", or a server that is started for the row.
        tests: files and folders.
        by_default: whether plain ``make matrix`` runs it.
    """

    name: str
    python: str
    django: str
    dependencies: str
    database: str
    tests: tuple[str, ...]
    by_default: bool = True


# Every Python with its newest Django, every Django with a Python, channels and the rest at both
# ends, every database at both ends. `make test` is the row Python 3.11, Django 5.2, pinned.
# fmt: off
ROWS = (
    Row("py311-oldest",      "3.11", "5.2",    "oldest", "sqlite",     WHOLE),
    Row("py311-django52",    "3.11", "5.2",    "newest", "sqlite",     WHOLE),
    Row("py312-django52",    "3.12", "5.2",    "newest", "sqlite",     STORED),
    Row("py312-django60",    "3.12", "6.0",    "newest", "sqlite",     WHOLE),
    Row("py312-oldest",      "3.12", "6.0",    "oldest", "sqlite",     STORED),
    Row("py313-django60",    "3.13", "6.0",    "newest", "sqlite",     STORED),
    Row("py313-django61",    "3.13", "6.1",    "newest", "sqlite",     WHOLE),
    Row("py314-django60",    "3.14", "6.0",    "newest", "sqlite",     STORED),
    Row("py314-django61",    "3.14", "6.1",    "newest", "sqlite",     WHOLE),
    Row("postgresql-oldest", "3.11", "5.2",    "oldest", "postgresql", STORED),
    Row("postgresql",        "3.13", "6.1",    "newest", "postgresql", STORED),
    Row("mariadb-oldest",    "3.11", "5.2",    "oldest", "mariadb",    (*STORED, *KILLED)),
    Row("mariadb",           "3.13", "6.1",    "newest", "mariadb",    (*STORED, *KILLED)),
    Row("quick",             "3.12", "pinned", "pinned", "sqlite",     QUICK, by_default=False),
)
# fmt: on


def test(session: nox.Session, row: Row) -> None:
    """Install what a row asks for and run its tests."""
    uv = installing.Uv(Path(session.virtualenv.bin, "python"))
    if row.dependencies == "pinned":
        uv.install("--require-hashes", "--requirement", str(environment.pins("dev")))
        uv.install(*environment.PACKAGE)
    else:
        asked = [".[test]", f"django=={row.django}.*"]
        if row.database == "mariadb":
            asked.append("PyMySQL")
        if row.dependencies == "oldest":
            bounds = Path(session.create_tmp(), "oldest.txt")
            uv.write_oldest(bounds, row.python, row.django, EXTRAS)
            asked += ["--constraint", str(bounds)]
        uv.install(*asked)
    serve: list[str] = []
    if row.database != "sqlite":
        serve = ["-m", "tests.engines.serving", row.database, "python"]
    pytest = ["-m", "pytest", "-m", "not timing and not browser", "--numprocesses=2"]
    more = ["--dist=loadfile", "-p", "no:cacheprovider", "--quiet"]
    if serve:
        more += OF_SQLITE
    if row.dependencies == "oldest":
        more += OF_NEWEST
    session.run(
        "python",
        *serve,
        *pytest,
        *more,
        *row.tests,
        *session.posargs,
        env={"PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "tests.settings"},
    )


def _add(row: Row) -> None:
    def run(session: nox.Session) -> None:
        test(session, row)

    run.__doc__ = f"Python {row.python}, Django {row.django}, {row.dependencies}, {row.database}."
    nox.session(
        run,
        name=row.name,
        python=interpreters.find(row.python) or row.python,
        tags=[row.database, *([] if row.by_default else ["extra"])],
        reuse_venv=False,
    )


for each in ROWS:
    _add(each)

"""Each state of the schema since the first, with data, is brought to the newest, and back."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from liveops import control
from liveops.models import LiveOperation
from liveops.states import RESUMABLE_STATES, State
from tests.engines.composing import postgresql, sqlite
from tests.engines.here import as_web_process
from tests.integration.resuming import Voyage
from tests.upgrading.filling import TEXT, fill, stored

LIVEOPS = "liveops"
# While these build an index on a table that may be big, PostgreSQL lets writers wait.
BUILD_INDEXES = {"0003_live_page", "0004_survival"}


@dataclass
class History:
    """What was there on the way.

    Attributes:
        made: by name of the migration, the operations of that state.
        held: likewise, what the tables held before the next migration.
        rewritten: tables that a migration wrote anew.
        indexed: migrations that built an index on a table that was there.
    """

    made: dict[str, dict[State, Any]] = field(default_factory=dict)
    held: dict[str, dict[str, Any]] = field(default_factory=dict)
    rewritten: list[tuple[str, str]] = field(default_factory=list)
    indexed: set[str] = field(default_factory=set)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def database(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[str]:
    """Let this process work on an empty database."""
    if request.param == "postgres":
        server = request.getfixturevalue("postgres")
        settings = postgresql(server, server.new_database())
    else:
        settings = sqlite(tmp_path_factory.mktemp("upgrades") / "db.sqlite3")
    values = {
        "DATABASES": {"default": settings},
        "LIVEOPS": {"RUNNER": "eager", "REAP_SECONDS": 0},
    }
    with as_web_process(values, django_db_blocker):
        yield connection.vendor


@pytest.fixture(scope="module")
def history(database: str) -> History:
    """Go from the first state to the newest, and make rows in each."""
    history, names, user = History(), migrations(), None
    for name in names:
        before = physical()
        tables = go_to((LIVEOPS, name))
        note_changes(history, name, before, physical())
        if user is None:
            tables = go_to(*newest("auth", "sessions", "contenttypes"), (LIVEOPS, name))
            user = User.objects.create_superuser("ada")
        history.made[name] = fill(tables, user)
        history.held[name] = stored(tables)
    go_to(*newest(LIVEOPS, "testapp"))
    for made in history.made.values():
        for pk in made.values():
            add_subclass_row(pk)
    return history


def migrations() -> list[str]:
    """Return the names of the package's migrations, the first one first."""
    graph = MigrationExecutor(connection).loader.graph
    [leaf] = graph.leaf_nodes(LIVEOPS)
    return [name for label, name in graph.forwards_plan(leaf) if label == LIVEOPS]


def newest(*labels: str) -> list[tuple[str, str]]:
    """Return the newest migrations of some apps."""
    graph = MigrationExecutor(connection).loader.graph
    return [leaf for label in labels for leaf in graph.leaf_nodes(label)]


def go_to(*targets: tuple[str, str]) -> Any:
    """Migrate; return the apps as they were then."""
    executor = MigrationExecutor(connection)
    state = executor.migrate(list(targets))
    return state.apps


def physical() -> dict[str, tuple[int, int]]:
    """Return by table of PostgreSQL the file that holds it, and the number of its indexes."""
    if connection.vendor != "postgresql":
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, relfilenode, (SELECT count(*) FROM pg_index WHERE indrelid = c.oid)"
            " FROM pg_class c WHERE relkind = 'r' AND relname LIKE 'liveops%'"
        )
        return {name: (file, indexes) for name, file, indexes in cursor.fetchall()}


def note_changes(
    history: History,
    name: str,
    before: dict[str, tuple[int, int]],
    after: dict[str, tuple[int, int]],
) -> None:
    """Note which tables that were there a migration wrote anew, and where it built indexes."""
    for table in before.keys() & after.keys():
        if before[table][0] != after[table][0]:
            history.rewritten.append((name, table))
        if before[table][1] < after[table][1]:
            history.indexed.add(name)


def add_subclass_row(pk: Any) -> None:
    """Make of an operation one of the class that its type names."""
    Voyage(liveoperation_ptr_id=pk, note=TEXT).save_base(raw=True)


def test_nothing_is_lost_on_the_way(history: History) -> None:
    now = stored(apps)
    assert len(history.held) == len(migrations())
    for name, before in history.held.items():
        for model, rows in before.items():
            assert len(rows) >= 6, (name, model)
            for pk, row in rows.items():
                kept = {column: now[model][pk][column] for column in row}
                assert kept == row, (name, model)


def test_each_operation_has_its_state_and_its_page(history: History) -> None:
    client = Client()
    client.force_login(User.objects.get(username="ada"))
    first = min(history.made)
    for name, made in history.made.items():
        for state in made if name == first else [State.STARTED]:
            operation = LiveOperation.objects.get(pk=made[state]).specific
            assert isinstance(operation, Voyage)
            assert (operation.get_state(), operation.note) == (state, TEXT), name
            page = client.get(f"{operation.get_absolute_url()}?stay")
            assert page.status_code == 200, (name, state)
            text = page.content.decode()
            assert f'data-liveop-state="{state.value}"' in text
            assert "Gr\u00fc\u00dfe &amp; &lt;b&gt;" in text, (
                "the log line, the status or the result"
            )
    listed = client.get("/live/")
    assert listed.status_code == 200
    assert listed.content.decode().count("/live/") > 6


def test_what_broke_off_can_be_resumed_or_restarted(history: History) -> None:
    resumable, first = sorted(RESUMABLE_STATES), min(history.made)
    for name, made in history.made.items():
        for state in resumable if name == first else [State.INTERRUPTED]:
            operation = LiveOperation.objects.get(pk=made[state])
            control.resume(operation)
            operation.refresh_from_db()
            assert operation.get_state() == State.FINISHED_OK, (name, state)
            assert operation.stage_states == dict.fromkeys(Voyage.stages, "done")
    operation = LiveOperation.objects.get(pk=history.made[first][State.FINISHED_OK])
    control.restart(operation)
    operation.refresh_from_db()
    assert operation.get_state() == State.FINISHED_OK


def test_no_migration_writes_a_table_anew(history: History) -> None:
    """What PostgreSQL rewrites it locks for as long as that takes."""
    assert history.rewritten == []


def test_migrations_that_build_indexes_are_known(history: History, database: str) -> None:
    assert history.indexed == (BUILD_INDEXES if database == "postgresql" else set())


def test_the_models_have_no_change_without_a_migration(history: History) -> None:
    assert history.made
    call_command("makemigrations", LIVEOPS, check=True, dry_run=True, verbosity=0)


def test_the_way_back_keeps_the_operations(history: History) -> None:
    """The last test: it leaves an older state."""
    kept = {pk for made in history.made.values() for pk in made.values()}
    # The tests' own app needs the second one; all others are undone one by one.
    tables = go_to((LIVEOPS, migrations()[1]))
    rows = tables.get_model(LIVEOPS, "LiveOperation").objects
    assert set(rows.values_list("pk", flat=True)) == kept
    assert tables.get_model(LIVEOPS, "LogLine").objects.filter(text=TEXT).exists()

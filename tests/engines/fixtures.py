"""The fixtures of tests on real engines."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Protocol

import pytest
from pytest_django.plugin import DjangoDbBlocker

from scripts import ensure_parts
from tests.databases import VARIABLE
from tests.engines.composing import postgresql, sqlite
from tests.engines.servers import Postgres, Redis
from tests.engines.site import Engines, Layer, Tasks

Database = Literal["sqlite", "postgres", "server"]
"""A server is PostgreSQL, but for the rows of the matrix that are on MariaDB."""


class MakeEngines(Protocol):
    """Makes a site; see `Engines` for its arguments."""

    def __call__(
        self,
        *,
        database: Database = "sqlite",
        layer: Layer = "memory",
        runner: str = "thread",
        tasks: Tasks | None = None,
        liveops: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> Engines:
        """Make a site."""


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """A Redis server; a test may stop and kill it, the next site finds it at work again."""
    program = ensure_parts.find_redis(os.environ)
    if program is None:
        pytest.fail("redis-server is not on this machine: `make test` brings it, or says how.")
    server = Redis(program, tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server, likewise."""
    programs = ensure_parts.find_postgres(os.environ)
    if programs is None:
        pytest.fail("PostgreSQL is not on this machine: `make test` brings it, or says how.")
    server = Postgres(programs)
    try:
        server.start()
        yield server
    finally:
        server.close()


class Templates:
    """Databases with all tables, each made once, that the databases of sites are copies of."""

    def __init__(self, folder: Path, blocker: DjangoDbBlocker) -> None:
        self._folder = folder
        self._blocker = blocker
        self._postgres: dict[int, str] = {}

    def sqlite(self, copy: Path) -> dict[str, Any]:
        """Return the settings of a new SQLite database."""
        path = self._folder / "template.sqlite3"
        if not path.exists():
            self._fill(sqlite(path))
        copy.write_bytes(path.read_bytes())
        return sqlite(copy)

    def postgres(self, server: Postgres) -> dict[str, Any]:
        """Return the settings of a new database of a PostgreSQL server."""
        name = self._postgres.get(id(server))
        if name is None:
            name = self._postgres[id(server)] = server.new_database()
            self._fill(postgresql(server, name))
        return postgresql(server, server.new_database(name))

    def mariadb(self, address: str) -> dict[str, Any]:
        """Return the settings of a new database of a MariaDB server, which has no copies."""
        database: dict[str, Any] = import_module("tests.engines.mariadb").new_site_database(address)
        self._fill(database)
        return database

    def _fill(self, database: Mapping[str, Any]) -> None:
        full = Engines(self._folder, database, self._blocker, tasks="db")
        full.manage("migrate", "--run-syncdb", "--verbosity", "0")


@pytest.fixture(scope="session")
def engine_templates(
    tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker
) -> Templates:
    """The databases that those of sites are copies of."""
    return Templates(tmp_path_factory.mktemp("templates"), django_db_blocker)


@contextmanager
def _factory(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    templates: Templates,
    blocker: DjangoDbBlocker,
) -> Iterator[MakeEngines]:
    made: list[Engines] = []

    def make(
        *,
        database: Database = "sqlite",
        layer: Layer = "memory",
        runner: str = "thread",
        tasks: Tasks | None = None,
        liveops: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> Engines:
        folder = tmp_path_factory.mktemp("site")
        redis: Redis | None = None
        if layer != "memory" or runner == "celery" or tasks == "rq":
            redis = request.getfixturevalue("redis")
            redis.heal()
        row = os.environ.get(VARIABLE, "")
        if database == "server" and row.startswith("mariadb"):
            config = templates.mariadb(row)
        elif database != "sqlite":
            server: Postgres = request.getfixturevalue("postgres")
            server.heal()
            config = templates.postgres(server)
        else:
            config = templates.sqlite(folder / "db.sqlite3")
        engines = Engines(
            folder,
            config,
            blocker,
            layer=layer,
            runner=runner,
            tasks=tasks,
            redis=redis,
            liveops=liveops,
            settings=settings,
        )
        made.append(engines)
        return engines

    try:
        yield make
    finally:
        for engines in made:
            engines.close()


@pytest.fixture
def engines(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    engine_templates: Templates,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[MakeEngines]:
    """Make sites whose processes end with the test."""
    with _factory(request, tmp_path_factory, engine_templates, django_db_blocker) as make:
        yield make


@pytest.fixture(scope="module")
def module_engines(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    engine_templates: Templates,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[MakeEngines]:
    """Make sites whose processes end with the file."""
    with _factory(request, tmp_path_factory, engine_templates, django_db_blocker) as make:
        yield make

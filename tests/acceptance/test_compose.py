"""docker-compose.yml: its services work together, and a killed worker costs nothing."""

import http.cookiejar
import json
import os
import re
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from websockets.sync.client import connect

from airports.models import PUBLIC_LIST
from scripts import ensure_parts
from tests.acceptance.compose import EXAMPLE, ROOT, Stack
from tests.engines.process import Process
from tests.engines.servers import Postgres
from tests.engines.waiting import until


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[Stack]:
    """All services but the worker, ready to be used."""
    programs = ensure_parts.find_postgres(os.environ)
    redis = ensure_parts.find_redis(os.environ)
    assert programs is not None
    assert redis is not None
    stack = Stack(tmp_path_factory.mktemp("stack"), postgres, [programs, str(Path(redis).parent)])
    given = stack.services["postgres"]["environment"]
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection:
        # What the image does with its three variables; here the role is there already.
        connection.execute(f"CREATE DATABASE {given['POSTGRES_DB']}")
    try:
        stack.start("redis")
        until(lambda: stack.is_healthy("redis") and stack.is_healthy("postgres"))
        stack.run("setup")
        for name in ("web", "reaper"):
            stack.start(name)
        until(lambda: stack.is_healthy("web"), 60)
        yield stack
    finally:
        stack.close()
        with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {given['POSTGRES_DB']} WITH (FORCE)")


class Person:
    """Somebody at a browser, logged in as the demo user."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._cookies = http.cookiejar.CookieJar()
        handler = urllib.request.HTTPCookieProcessor(self._cookies)
        self._opener = urllib.request.build_opener(handler)
        self.submit("/login/", username="demo", password="demo")

    def read(self, path: str) -> str:
        """Return a page."""
        with self._opener.open(self._url + path, timeout=60) as response:
            text: str = response.read().decode()
            return text

    def submit(self, path: str, page: str = "", upload: str = "", **fields: str) -> str:
        """Send a form; return where it leads.

        Args:
            path: where it is sent.
            page: the page that it stands on; the one at `path` if left out.
            upload: what is in the file `source`, if one is sent.
            fields: the other fields.
        """
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.read(page or path))
        assert found is not None
        fields["csrfmiddlewaretoken"] = found.group(1)
        limit = "a-limit-that-no-value-holds"
        parts = [f'name="{name}"\r\n\r\n{value}' for name, value in fields.items()]
        if upload:
            parts.append(f'name="source"; filename="few.csv"\r\n\r\n{upload}')
        head = f"--{limit}\r\nContent-Disposition: form-data; "
        body = "".join(f"{head}{part}\r\n" for part in parts) + f"--{limit}--\r\n"
        request = urllib.request.Request(
            self._url + path,
            body.encode(),
            {"Content-Type": f"multipart/form-data; boundary={limit}"},
        )
        with self._opener.open(request, timeout=60) as response:
            return str(urllib.parse.urlsplit(response.url).path)

    def watch(self, path: str) -> Iterator[dict[str, Any]]:
        """Give the frames of an operation, as they come."""
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._cookies)
        with connect(
            self._url.replace("http", "ws") + "/ws/liveops/",
            additional_headers={"Cookie": cookies, "Origin": self._url},
            max_size=None,
        ) as socket:
            socket.send(json.dumps({"subscribe": {"op": path.strip("/").split("/")[-1]}}))
            while True:
                yield json.loads(socket.recv(timeout=90))

    def watch_until_end(self, path: str) -> str:
        """Follow an operation to its end; return the state."""
        for frame in self.watch(path):
            if "liveop_finished" in frame:
                return str(frame["liveop_finished"]["state"])
        return ""


@pytest.fixture
def worker(stack: Stack) -> Process:
    """A worker that takes operations."""
    process = stack.start("worker")
    until(lambda: " ready." in process.log, 60, lambda: process.log)
    return process


def test_every_service_has_what_it_needs(stack: Stack) -> None:
    """No engine is at hand to ask: what the file says is compared with what the project has."""
    services = stack.services
    assert set(services) == {"postgres", "redis", "setup", "web", "worker", "reaper"}
    ours = {name: service for name, service in services.items() if "build" in service}
    settings = (EXAMPLE / "example" / "engines.py").read_text(encoding="utf-8")
    for name, service in ours.items():
        assert (ROOT / service["build"]["dockerfile"]).is_file()
        read = {key for key in service["environment"] if key.startswith(("POSTGRES", "REDIS"))}
        assert all(f'"{key}"' in settings for key in read), name
        for needed, how in service["depends_on"].items():
            condition = how["condition"]
            checked = condition != "service_healthy" or "healthcheck" in services[needed]
            assert checked, f"{name} waits for the health of {needed}, which has no check"
    assert {name for name in ours if "healthcheck" in ours[name]} == {"web", "worker"}


@pytest.mark.fault("compose-works")
def test_an_import_runs_in_the_worker_and_is_watched_live(stack: Stack, worker: Process) -> None:
    person = Person(stack.url)
    few = PUBLIC_LIST.read_text(encoding="utf-8").splitlines(keepends=True)[:40]
    page = person.submit("/import/", rows_per_second="0", upload="".join(few))
    assert person.watch_until_end(page) == "FINISHED_OK"
    # The worker found the file that the web process had taken: both have the folder of uploads.
    assert "39 airports imported" in person.read(page)
    assert "liveops.run_operation" in worker.log
    until(lambda: stack.is_healthy("worker"), 60)
    worker.terminate()
    assert worker.wait(30) == 0, worker.log


@pytest.mark.fault("compose-worker-killed")
def test_a_killed_worker_is_noticed_with_the_default_settings(
    stack: Stack, worker: Process
) -> None:
    person = Person(stack.url)
    page = person.submit("/import/", rows_per_second="500")
    frames = person.watch(page)
    until(lambda: "Validating" in json.dumps(next(frames)))
    worker.kill()
    state = next(
        frame["liveop_finished"]["state"] for frame in frames if "liveop_finished" in frame
    )
    assert state == "INTERRUPTED"
    stack.start("worker")
    person.submit(f"{page}restart/", page)
    for frame in person.watch(page):
        if "Validating" in frame.get("liveop_html", ""):
            person.submit(f"{page}cancel/", page)
            break
    assert person.watch_until_end(page) == "CANCELLED"

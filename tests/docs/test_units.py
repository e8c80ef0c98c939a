"""The units of systemd and the containers that pages show start what is there."""

import configparser
import re

import yaml

from tests.docs.pages import DOCS, block, sessions

CRON, REAPING, SERVERS = "how-to/cron.md", "how-to/reaping.md", "how-to/servers.md"


def unit(page: str, head: str) -> configparser.ConfigParser:
    """Return the units of a block; each of their sections is there once."""
    found = configparser.ConfigParser(interpolation=None)
    found.optionxform = str  # type: ignore[assignment,method-assign]  # as systemd reads them
    found.read_string(block(page, head))
    return found


def test_the_timer_starts_what_cron_starts() -> None:
    units = unit(CRON, "ini # shop-nightly.service")
    (command,) = re.findall(r"manage\.py .*", units["Service"]["ExecStart"])
    assert f"{command} >>" in block(CRON, "text MAILTO")
    assert units["Service"]["Type"] == "oneshot"
    assert "OnCalendar" in units["Timer"]


def test_the_timer_of_the_reaper_starts_what_cron_starts() -> None:
    units = unit(REAPING, "ini # liveops-reap.service")
    command = units["Service"]["ExecStart"].removeprefix("/srv/shop/venv/bin/python ")
    assert block(REAPING, "text * * * * *").endswith(f"/python {command}\n")
    assert sessions(REAPING)[0][0].line == f"python {command}"


def test_the_service_starts_the_server_that_the_page_starts() -> None:
    service = unit(SERVERS, "ini # /etc/systemd/system/mysite.service")["Service"]
    command = service["ExecStart"].removeprefix("/srv/mysite/venv/bin/")
    assert command in [each.line for each in sessions(SERVERS)[0]]


def test_the_containers_are_those_of_the_project() -> None:
    composed = yaml.safe_load((DOCS.parent / "docker-compose.yml").read_text(encoding="utf-8"))
    lines = [each.line for one in sessions("how-to/several-machines.md")[1:] for each in one]
    assert lines[0] == "docker compose up --build"
    assert {line.split()[-1] for line in lines[1:]} <= set(composed["services"])

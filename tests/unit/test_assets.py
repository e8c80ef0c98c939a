"""The files of a page: few bytes, and to each page only what it needs."""

from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.template import Context, Template

from tests.benchmarks.assets import MOST_BYTES, loaded_files, zipped_bytes
from tests.benchmarks.serving.chromium import tasks_of

PAGES, BASE = "liveops-pages.css", "liveops-base.css"


def assets(**context: Any) -> str:
    return Template("{% load liveops %}{% liveops_assets %}").render(Context(context))


def test_the_script_and_the_style_sheet_of_an_operation_are_few_bytes() -> None:
    core = [path for path in loaded_files() if path.stem == "liveops"]
    assert len(core) == 2
    assert zipped_bytes(core) <= MOST_BYTES


def test_a_live_page_loads_no_rules_of_other_pages() -> None:
    names = [path.name for path in loaded_files() if path.suffix == ".css"]
    assert names == ["liveops.css", BASE]


@pytest.mark.parametrize("name", ["listing", "form"])
def test_a_page_with_a_list_or_a_form_has_its_rules_after_the_others(name: str) -> None:
    html = assets(**{name: None})
    assert html.index("/liveops.css") < html.index(PAGES) < html.index("<script")
    assert PAGES not in assets(op=None)
    assert BASE not in html


@pytest.mark.parametrize("name", ["liveops", "liveops-pages", "liveops-base", "liveops-admin"])
def test_every_style_sheet_is_found(name: str) -> None:
    assert finders.find(f"liveops/{name}.css")


def test_the_tasks_of_a_trace_are_those_of_the_busiest_page() -> None:
    def thread(tid: int, name: str) -> dict[str, Any]:
        return {"pid": 1, "tid": tid, "name": "thread_name", "ph": "M", "args": {"name": name}}

    def task(tid: int, name: str, micros: int) -> dict[str, Any]:
        return {"pid": 1, "tid": tid, "name": name, "ph": "X", "tdur": micros}

    run = "ThreadControllerImpl::RunTask"
    events = [
        *(thread(1, "CrRendererMain"), thread(2, "CrRendererMain"), thread(3, "CrBrowserMain")),
        *(task(1, run, 9_000), task(2, run, 51_000), task(2, run, 2_000), task(2, "Layout", 9)),
        *(task(3, run, 900_000), {"pid": 1, "tid": 2, "name": run, "ph": "B"}),
    ]
    assert tasks_of({"traceEvents": events}) == (2.0, 51.0)

"""The page that starts a check of the site: who sees it, and what its boxes do."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from sitecheck.forms import CheckSiteForm
from sitecheck.models import CheckSite

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("site")]


def form(stages: list[str], **values: str) -> CheckSiteForm:
    data = {"failures": "0", "dependencies_retry_delay": "0", **values}
    return CheckSiteForm({"stages": stages, **data})


def test_the_home_page_leads_to_it(client: Client) -> None:
    page = client.get("/").content.decode()
    assert f'href="{reverse("check-site")}"' in page
    assert "run_liveop sitecheck.CheckSite" in page


def test_it_asks_for_a_login(client: Client) -> None:
    response = client.get("/check/")
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/login/")


def test_every_stage_has_a_box_that_is_ticked(browser_of_demo: Client) -> None:
    response = browser_of_demo.get("/check/")
    page = response.content.decode()
    ticked = re.findall(r'<input type="checkbox" name="stages" value="([^"]+)"[^>]* checked', page)
    assert ticked == CheckSite.stages
    for heading in CheckSite().stage_headings.values():
        assert heading in page
    assert re.search(r'name="failures" value="2"', page), "something to watch"
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)
    for name in re.findall(r'aria-describedby="([^"]+)"', page):
        assert f'id="{name}"' in page


def test_all_boxes_mean_all_stages() -> None:
    filled = form(CheckSite.stages)
    assert filled.is_valid(), filled.errors
    assert filled.instance.stages_to_run is None


def test_a_box_that_is_not_ticked_leaves_its_stage_out() -> None:
    filled = form(["Settings", "Dependencies"])
    assert filled.is_valid(), filled.errors
    assert filled.instance.stages_to_run == ["Settings", "Dependencies"]


@pytest.mark.parametrize(
    ("stages", "values", "field"),
    [
        ([], {}, "stages"),
        (["Nothing"], {}, "stages"),
        (["Settings"], {"failures": "6"}, "failures"),
        (["Settings"], {"failures": "-1"}, "failures"),
        (["Settings"], {"dependencies_retry_delay": "-1"}, "dependencies_retry_delay"),
        (["Settings"], {"dependencies_retry_delay": "nan"}, "dependencies_retry_delay"),
    ],
)
def test_what_cannot_be_is_refused(stages: list[str], values: dict[str, str], field: str) -> None:
    assert list(form(stages, **values).errors) == [field]


def test_without_a_box_the_page_says_so(browser_of_demo: Client) -> None:
    page = browser_of_demo.post("/check/", {"failures": "0"}).content.decode()
    assert "Choose at least one." in page
    assert 'aria-describedby="stages-errors"' in page


@pytest.mark.django_db(transaction=True)
def test_it_leads_to_the_live_page_and_the_check_runs(browser_of_demo: Client, demo: Any) -> None:
    data = {
        "stages": ["Settings", "Migrations"],
        "failures": "0",
        "dependencies_retry_delay": "0",
        "dry_run": "on",
    }
    response = browser_of_demo.post("/check/", data, follow=True)
    operation = CheckSite.objects.get()
    assert response.redirect_chain == [(operation.get_absolute_url(), 302)]
    assert operation.owner == demo
    assert operation.get_state() == "FINISHED_OK"
    page = response.content.decode()
    assert "This was a dry run." in page
    assert "Dry run:" in page
    assert len(re.findall(r'<li data-stage="[^"]+" data-state="skipped"', page)) == 2

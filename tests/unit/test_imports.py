"""What a project pays for when it starts: what takes long is loaded when it is first needed."""

import json
import subprocess
import sys

import pytest
from django.contrib import admin

import liveops.admin
from liveops.admin import LiveOperationAdmin
from liveops.models import LiveOperation

LIBRARIES = ("celery", "django_tasks", "opentelemetry", "prometheus_client", "reverse_argparse")
OURS = (
    *("liveops.admin.operations", "liveops.checks.operations", "liveops.checks.settings"),
    *("liveops.contrib", "liveops.control", "liveops.events", "liveops.overview.rows"),
    *("liveops.progress.handle", "liveops.rendering", "liveops.snapshot", "liveops.store"),
)
LOOK = """
import json, sys, django
from django.conf import settings
names = ("admin", "auth", "contenttypes", "messages", "sessions")
apps = [*(f"django.contrib.{name}" for name in names), "channels", "django_htmx", "liveops"]
settings.configure(INSTALLED_APPS=apps, USE_TZ=True)
django.setup()
at_start = sorted(sys.modules)
from liveops.models import LiveOperation
from liveops.progress import Progress
print(json.dumps([at_start, sorted(sys.modules)]))
"""


@pytest.mark.parametrize("name", ["rich", "tenacity", *LIBRARIES])
def test_a_project_that_starts_has_not_loaded_it(loaded: list[set[str]], name: str) -> None:
    assert name not in loaded[1]


@pytest.mark.parametrize("name", OURS)
def test_a_process_that_sets_django_up_has_not_loaded_it(loaded: list[set[str]], name: str) -> None:
    assert name not in loaded[0]


@pytest.fixture(scope="module")
def loaded() -> list[set[str]]:
    """Return what a process has loaded that has only set up Django, and then with the imports."""
    done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)
    found = [set(names) for names in json.loads(done.stdout)]
    assert {"channels", "liveops.admin", "liveops.checks", "liveops.models"} <= found[0]
    assert "liveops.progress.handle" in found[1], "it would tell"
    return found


def test_a_site_that_looks_at_what_it_registers_is_given_the_class_itself() -> None:
    class Curious(admin.AdminSite):
        def register(self, *arguments: object, **options: object) -> None:
            """Look at it."""

    assert liveops.admin.registers_as_usual(admin.site)
    assert liveops.admin.registers_as_usual(admin.AdminSite())
    assert not liveops.admin.registers_as_usual(Curious())


def registered() -> admin.AdminSite:
    """Return a site with what this package registers, which nobody has looked at."""
    site = admin.AdminSite()
    site.register(LiveOperation, liveops.admin.STAND_IN)
    return site


@pytest.mark.parametrize("name", ["model", "list_display", "get_queryset", "urls"])
def test_what_stands_for_the_admin_becomes_it_when_it_is_asked(name: str) -> None:
    standing = registered().get_model_admin(LiveOperation)
    assert isinstance(standing, admin.ModelAdmin)
    assert type(standing) is not LiveOperationAdmin
    assert getattr(standing, name)
    assert type(standing) is LiveOperationAdmin


def test_what_stands_for_the_admin_is_the_admin_to_checks() -> None:
    site = registered()
    standing = site.get_model_admin(LiveOperation)
    assert standing.check() == []
    assert (standing.model, standing.admin_site) == (LiveOperation, site)
    assert str(standing) == "liveops.LiveOperationAdmin"


def test_what_stands_for_the_admin_says_that_it_is_the_admin() -> None:
    standing = registered().get_model_admin(LiveOperation)
    assert isinstance(standing, LiveOperationAdmin)
    assert standing.__class__ is LiveOperationAdmin


def test_what_stands_for_the_admin_is_no_base_to_derive_from() -> None:
    base: type = type(registered().get_model_admin(LiveOperation))
    with pytest.raises(TypeError, match=r"Derive from liveops\.admin\.LiveOperationAdmin"):
        type("OwnAdmin", (base,), {})


def test_a_project_may_put_an_admin_of_its_own_in_the_place() -> None:
    class OwnAdmin(LiveOperationAdmin):
        list_per_page = 7

    site = registered()
    site.unregister(LiveOperation)
    site.register(LiveOperation, OwnAdmin)
    assert site.get_model_admin(LiveOperation).list_per_page == 7


def test_the_package_of_the_admin_has_no_other_names() -> None:
    with pytest.raises(AttributeError, match=r"'liveops\.admin' has no attribute 'Other'"):
        getattr(liveops.admin, "Other")  # noqa: B009  (mypy knows that it is missing)

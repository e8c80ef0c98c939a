"""What a project pays for when it starts: what takes long is loaded when it is first needed."""

import subprocess
import sys

import pytest

LATER = ("celery", "django_tasks", "opentelemetry", "prometheus_client", "reverse_argparse")
LOOK = """
import sys, django
from django.conf import settings
names = ("admin", "auth", "contenttypes", "messages", "sessions")
apps = [*(f"django.contrib.{name}" for name in names), "channels", "django_htmx", "liveops"]
settings.configure(INSTALLED_APPS=apps, USE_TZ=True)
django.setup()
from liveops.models import LiveOperation
from liveops.progress import Progress
print(*(name for name in sys.argv[1:] if name in sys.modules))
"""


@pytest.mark.parametrize("name", ["rich", "tenacity", *LATER])
def test_a_project_that_starts_has_not_loaded_it(loaded: set[str], name: str) -> None:
    assert name not in loaded


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """Return which of the libraries a process has loaded that has only set up Django."""
    command = [sys.executable, "-c", LOOK, "rich", "tenacity", "channels", *LATER]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "channels" in done.stdout.split(), "it would tell"
    return set(done.stdout.split())

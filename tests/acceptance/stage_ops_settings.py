"""The example project with the test operations, so that a browser can watch them."""

from example.settings import *  # noqa: F403
from example.settings import INSTALLED_APPS as EXAMPLE_APPS

INSTALLED_APPS = [*EXAMPLE_APPS, "tests.testapp"]
ROOT_URLCONF = "tests.acceptance.stage_ops_urls"

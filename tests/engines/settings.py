"""Configure Django for the processes of a site; what differs comes by environment variables."""

import os

from tests.databases import load_driver
from tests.engines.variables import from_environment
from tests.settings import *  # noqa: F403

globals().update(from_environment(os.environ))
load_driver(DATABASES["default"])  # noqa: F405  (the site's own)

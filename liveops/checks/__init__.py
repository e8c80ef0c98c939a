"""System checks: settings and operation classes that cannot work are found before anything runs."""

from liveops.checks.operations import check_operations
from liveops.checks.settings import check_settings

__all__ = ["check_operations", "check_settings"]

"""The application's configuration."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LiveopsConfig(AppConfig):
    """Live operations: long-running work that people watch."""

    name = "liveops"
    verbose_name = _("Live operations")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks."""
        from liveops import checks  # noqa: F401, PLC0415  (models are loaded only now)

"""The application's configuration."""

from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from liveops import conf


class LiveopsConfig(AppConfig):
    """Live operations: long-running work that people watch."""

    name = "liveops"
    verbose_name = _("Live operations")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, and the observers that the settings switch on."""
        from liveops import checks, contrib  # noqa: F401, PLC0415  (models are loaded only now)

        if not conf.problems(getattr(settings, "LIVEOPS", {})):  # else the checks say so
            contrib.connect()

"""The application's configuration."""

from importlib import import_module

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
        import_module("liveops.checks")
        if conf.problems(getattr(settings, "LIVEOPS", {})):  # the checks say so
            return
        switches = conf.get_settings()
        if switches.TRACING or switches.METRICS:
            import_module("liveops.contrib").connect()

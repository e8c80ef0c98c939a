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
        """Register the system checks, hear of changed rights, switch on what the settings say."""
        import_module("liveops.checks")
        import_module("liveops.rights_signals").connect()
        import_module("liveops.progress.safe_log").connect()
        if conf.problems(getattr(settings, "LIVEOPS", {})):  # the checks say so
            return
        switches = conf.get_settings()
        if switches.TRACING or switches.METRICS:
            import_module("liveops.contrib").connect()

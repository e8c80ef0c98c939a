"""Configure the app that checks the site."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SiteCheckConfig(AppConfig):
    """The check of the site itself."""

    name = "sitecheck"
    verbose_name = _("Site check")
    default_auto_field = "django.db.models.BigAutoField"

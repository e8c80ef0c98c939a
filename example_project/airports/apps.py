"""Configure the example app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AirportsConfig(AppConfig):
    """The airports and their import."""

    name = "airports"
    verbose_name = _("Airports")
    default_auto_field = "django.db.models.BigAutoField"

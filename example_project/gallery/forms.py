"""The forms that start the examples of this app; their presets are what a card starts with."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from gallery.chain import REGION_CHOICES
from gallery.models import CheckLinks, DeliverAirports, FetchCountries, NightlySummary

#: Slow enough to watch, fast enough not to bore: some four seconds a stage.
PRESET_COUNTRIES_PER_SECOND = 70
PRESET_ROWS_PER_SECOND = 8_000


class PresetForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form whose fields may begin with something else than the default of their model."""

    presets: dict[str, Any] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, value in self.presets.items():
            self.fields[name].initial = value


class FetchForm(PresetForm):
    """Take the part of the world, and how fast to go through it."""

    presets = {"countries_per_second": PRESET_COUNTRIES_PER_SECOND}

    class Meta:
        model = FetchCountries
        fields = ("region", "countries_per_second")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        region = self.fields["region"]
        assert isinstance(region, forms.TypedChoiceField)  # noqa: S101  (for the type checker)
        region.choices = [("", _("The whole world")), *REGION_CHOICES]


class DeliverForm(PresetForm):
    """Take whether the warehouse answers from the start, and how fast to pack."""

    presets = {"rows_per_second": PRESET_ROWS_PER_SECOND}

    class Meta:
        model = DeliverAirports
        fields = ("warehouse_answers", "rows_per_second")


class WarehouseForm(forms.ModelForm):  # type: ignore[type-arg]
    """Take what the visitor of a delivery's page changes before it is resumed."""

    class Meta:
        model = DeliverAirports
        fields = ("warehouse_answers",)


class LinksForm(forms.ModelForm):  # type: ignore[type-arg]
    """Take how many questions to ask at once; not whom, for a form must not send us anywhere."""

    class Meta:
        model = CheckLinks
        fields = ("at_once",)


class NightlyForm(forms.ModelForm):  # type: ignore[type-arg]
    """Take how long operations are kept."""

    class Meta:
        model = NightlySummary
        fields = ("keep_days",)

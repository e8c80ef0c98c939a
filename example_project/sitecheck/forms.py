"""The form that starts a check of the site."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from sitecheck.models import CheckSite

#: Enough to see a stage being retried; fewer than its attempts.
PRESET_FAILURES = 2


class CheckSiteForm(forms.ModelForm):  # type: ignore[type-arg]
    """Take the stages to run, and how the last of them is to fail."""

    stages = forms.MultipleChoiceField(
        label=_("What to check"),
        choices=lambda: list(CheckSite().stage_headings.items()),
        initial=lambda: CheckSite.stages,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one.")},
    )

    class Meta:
        model = CheckSite
        fields = ("failures", "dependencies_retry_delay", "dry_run")

    field_order = ("stages",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["failures"].initial = PRESET_FAILURES

    def clean_stages(self) -> list[str]:
        """Have the operation run the stages that are ticked; None means all of them."""
        chosen: list[str] = self.cleaned_data["stages"]
        self.instance.stages_to_run = None if set(chosen) == set(CheckSite.stages) else chosen
        return chosen

"""The form that starts an import."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from airports.models import ImportAirports

#: In bytes. The importer needs no limit; the disk does.
LARGEST_UPLOAD = 512 * 1024 * 1024
#: Slow enough to watch, fast enough not to bore: the public list takes some 15 seconds.
PRESET_ROWS_PER_SECOND = 4_000


class ImportForm(forms.ModelForm):  # type: ignore[type-arg]
    """Take a CSV file, or none for the public list, and how fast to go through it."""

    class Meta:
        model = ImportAirports
        fields = ("source", "rows_per_second")
        widgets = {"source": forms.FileInput(attrs={"accept": ".csv,.txt,text/csv"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["rows_per_second"].initial = PRESET_ROWS_PER_SECOND
        source = self.fields["source"]
        assert isinstance(source, forms.FileField)  # noqa: S101  (for the type checker)
        # An empty file is the importer's to explain, like any other that it cannot read.
        source.allow_empty_file = True

    def clean_source(self) -> Any:
        """Refuse a file that is larger than any list of airports.

        Raises:
            ValidationError: the file is larger than `LARGEST_UPLOAD`.
        """
        source = self.cleaned_data["source"]
        if isinstance(source, File) and source and source.size > LARGEST_UPLOAD:
            raise ValidationError(
                _("The file is larger than %(limit)s."),
                params={"limit": filesizeformat(LARGEST_UPLOAD)},
            )
        return source

"""A chain: fetch, transform, report. Three operations, each of which goes on with the next.

Whoever watches the first one sees all three on the same page, without a reload; each is a row of
its own, which can be opened, and started again, by itself. What one hands to the next is what any
model can hold: here a foreign key to where the rows come from, and a table.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.db import models, transaction
from django.db.models import Count, F, QuerySet, Sum
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from airports.pacing import Pacer
from gallery import countries
from gallery.countries import CountryRecord
from liveops.models import LiveOperation
from liveops.progress import Progress

TOP = 8
MILLION = 1_000_000
REGION_CHOICES = [
    ("Africa", _("Africa")),
    ("Americas", _("Americas")),
    ("Asia", _("Asia")),
    ("Europe", _("Europe")),
    ("Oceania", _("Oceania")),
]


class Country(models.Model):
    """A country or territory, and how large it is."""

    code = models.CharField(_("code"), max_length=2, unique=True)
    name = models.CharField(_("name"), max_length=100)
    capital = models.CharField(_("capital"), max_length=100, blank=True)
    region = models.CharField(_("region"), max_length=20, choices=REGION_CHOICES, db_index=True)
    population = models.BigIntegerField(_("population"))
    area = models.FloatField(_("area in km²"))

    class Meta:
        verbose_name = _("country")
        verbose_name_plural = _("countries")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class CountryOperation(LiveOperation):
    """What the three links of the chain have in common: how far, and how fast."""

    region = models.CharField(
        _("part of the world"), max_length=20, choices=REGION_CHOICES, blank=True
    )
    countries_per_second = models.PositiveIntegerField(
        _("countries per second"),
        default=0,
        help_text=_("Slows the work down, so that there is something to watch; 0 is full speed."),
    )

    class Meta:
        abstract = True

    def pacer(self, p: Progress) -> Pacer:
        """Return what holds a loop to the speed that was asked for."""
        return Pacer(self.countries_per_second, between=p.check_cancelled)

    def handed_on(self) -> dict[str, Any]:
        """Return the fields that the next operation of the chain takes over."""
        return {
            "owner": self.owner,
            "region": self.region,
            "countries_per_second": self.countries_per_second,
        }


class FetchCountries(CountryOperation):
    """Read a JSON file for every country, and keep what they say as it is."""

    facts = models.JSONField(default=list, editable=False)

    stages: ClassVar[list[str]] = ["Find", "Read"]

    class Meta:
        verbose_name = _("fetching of countries")
        verbose_name_plural = _("fetchings of countries")

    def run(self, p: Progress) -> None:
        """Look for the files, read them, and go on with the transformation."""
        with p.stage("Find"):
            files = countries.files()
            p.log(f"{len(files)} files, {sum(file.stat().st_size for file in files):,} bytes")

        with p.stage("Read"):
            pacer = self.pacer(p)
            for file in p.track(files, label="Reading", unit="file"):
                pacer.step()
                facts = countries.read(file)
                if self.region in ("", facts.get("region")):
                    self.facts.append(facts)
                    p.log(file.name, level="debug")
            self.save(update_fields=["facts"])
            p.log(f"{len(self.facts)} countries read", level="success")

        p.result(files=len(files), countries=len(self.facts))
        p.chain_to(TransformCountries.objects.create(source=self, **self.handed_on()))

    def on_restart(self) -> None:
        """Forget what was read, as it is read anew."""
        self.facts = []


class TransformCountries(CountryOperation):
    """Check what was fetched, and save the countries of which everything is known."""

    source = models.ForeignKey(
        FetchCountries,
        verbose_name=_("where the facts come from"),
        on_delete=models.CASCADE,
        related_name="transformations",
    )

    stages: ClassVar[list[str]] = ["Check", "Save"]

    class Meta:
        verbose_name = _("transformation of countries")
        verbose_name_plural = _("transformations of countries")

    def run(self, p: Progress) -> None:
        """Check, save in one transaction, and go on with the report."""
        found: dict[str, CountryRecord] = {}
        with p.stage("Check"):
            pacer = self.pacer(p)
            for facts in p.track(self.source.facts, label="Checking", unit="record"):
                pacer.step()
                checked = countries.check(facts)
                if isinstance(checked, CountryRecord) and checked.code in found:
                    checked = f"its code {checked.code} has been there before"
                if isinstance(checked, str):
                    p.log(f"{facts['name']} is left out: {checked}", level="warning")
                else:
                    found[checked.code] = checked

        with p.stage("Save"), transaction.atomic():
            Country.objects.bulk_create(
                [Country(**country._asdict()) for country in found.values()],
                update_conflicts=True,
                unique_fields=["code"],
                update_fields=[name for name in CountryRecord._fields if name != "code"],
            )
            p.log(f"{len(found)} countries saved", level="success")

        p.result(saved=len(found), left_out=len(self.source.facts) - len(found))
        p.chain_to(ReportCountries.objects.create(**self.handed_on()))


class ReportCountries(CountryOperation):
    """Add up the countries of each region, and look for the largest and the most crowded."""

    stages: ClassVar[list[str]] = ["Regions", "Countries"]

    class Meta:
        verbose_name = _("report on the countries")
        verbose_name_plural = _("reports on the countries")

    def run(self, p: Progress) -> None:
        """Ask the table, and make a picture of the answers."""
        chosen = (
            Country.objects.filter(region=self.region) if self.region else Country.objects.all()
        )
        with p.stage("Regions"):
            regions = regions_of(chosen)
            number = sum(region["countries"] for region in regions)
            p.log(f"{len(regions)} regions added up")
        with p.stage("Countries"):
            density = F("population") / F("area")
            by_size = chosen.order_by("-population").values_list("name", "population")
            crowded = chosen.filter(population__gte=MILLION).annotate(density=density)
            by_density = crowded.order_by("-density").values_list("name", "density")
            p.log(f"{by_size.count()} countries to choose from")
        text = ngettext("%(number)d country reported", "%(number)d countries reported", number)
        p.status(text % {"number": number}, level="success")
        p.result(
            regions=regions,
            largest=bars(by_size[:TOP]),
            crowded=bars(by_density[:TOP]),
        )


def regions_of(chosen: "QuerySet[Country]") -> list[dict[str, Any]]:
    """Return what the countries of each region come to, the most populous region first."""
    sums = chosen.values("region").annotate(
        countries=Count("pk"), people=Sum("population"), surface=Sum("area")
    )
    return [
        {**row, "surface": round(row["surface"]), "density": round(row["people"] / row["surface"])}
        for row in sums.order_by("-people")
    ]


def bars(rows: Iterable[tuple[str, float]]) -> list[dict[str, Any]]:
    """Return names and numbers, each with its percentage of the first, which is the largest."""
    found = list(rows)
    longest = found[0][1] if found else 1
    return [
        {"name": name, "number": round(number), "percent": round(100 * number / longest, 1)}
        for name, number in found
    ]

"""The airports, and the operation that imports them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, ClassVar

import airportsdata
from django.db import models, transaction
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from airports.importer import ImportFileError, batches, read_rows
from airports.pacing import Pacer
from airports.picture import country_counts, density_grid
from airports.validation import MAX_LENGTHS, AirportRecord, Validator
from liveops.exceptions import OperationError
from liveops.models import LiveOperation
from liveops.progress import Progress

#: The public list of all airports, about 28,000 of them, that the package airportsdata brings.
PUBLIC_LIST = Path(airportsdata.__file__).with_name("airports.csv")
BATCH_SIZE = 500
#: Saving holds SQLite's only write lock, so that it is never slowed down to more than this, in
#: seconds: other writers give up after 20.
LONGEST_SAVE = 8


class Airport(models.Model):
    """A place where aircraft land, known by its code."""

    ident = models.CharField(_("code"), max_length=10, unique=True)
    iata = models.CharField(_("IATA code"), max_length=3, blank=True)
    name = models.CharField(_("name"), max_length=MAX_LENGTHS["name"])
    city = models.CharField(_("city"), max_length=MAX_LENGTHS["city"], blank=True)
    subdivision = models.CharField(
        _("subdivision"), max_length=MAX_LENGTHS["subdivision"], blank=True
    )
    country = models.CharField(_("country"), max_length=2, db_index=True)
    elevation_ft = models.FloatField(_("elevation in feet"), null=True, blank=True)
    latitude = models.FloatField(_("latitude"))
    longitude = models.FloatField(_("longitude"))
    timezone = models.CharField(_("time zone"), max_length=MAX_LENGTHS["timezone"], blank=True)

    class Meta:
        verbose_name = _("airport")
        verbose_name_plural = _("airports")
        ordering = ("ident",)
        constraints = (
            models.CheckConstraint(
                condition=Q(latitude__gte=-90, latitude__lte=90), name="airport_latitude"
            ),
            models.CheckConstraint(
                condition=Q(longitude__gte=-180, longitude__lte=180), name="airport_longitude"
            ),
            models.CheckConstraint(condition=~Q(ident="") & ~Q(name=""), name="airport_named"),
        )

    def __str__(self) -> str:
        return f"{self.ident} {self.name}"


def upload_path(operation: "ImportAirports", name: str) -> str:
    """Return where an upload is kept: in a folder of its own, so that it keeps its name."""
    # Not its pk, which a subclass gets from the parent's row when that is saved.
    return f"imports/{operation.id}/{name}"


class ImportAirports(LiveOperation):
    """Read a CSV file of airports into the table: new ones are created, known ones updated."""

    source = models.FileField(
        _("CSV file"),
        upload_to=upload_path,
        blank=True,
        help_text=_("Leave it empty to import the public list of 28,000 airports."),
    )
    rows_per_second = models.PositiveIntegerField(
        _("rows per second"),
        default=0,
        help_text=_("Slows the import down, so that there is something to watch; 0 is full speed."),
    )

    stages: ClassVar[list[str]] = ["Load", "Validate", "Save", "Report"]

    class Meta:
        verbose_name = _("import of airports")
        verbose_name_plural = _("imports of airports")

    def run(self, p: Progress) -> None:
        """Load the file, check its rows, save the good ones and count what came of it."""
        with p.stage("Load"), reported_errors(), self.open_source() as file:
            p.log(f"reading {self.source_name}")
            rows = list(p.track(read_rows(file), label="Reading", unit="row"))
            p.log(f"{len(rows):,} rows read")

        with p.stage("Validate"), reported_errors():
            pacer = Pacer(self.rows_per_second, between=p.check_cancelled)
            validator = Validator()
            for row in p.track(rows, label="Validating", unit="row"):
                pacer.step()
                if problem := validator.check(row):
                    p.log(f"line {row.line}: {problem}", level="warning")
            airports = validator.finish()
            p.log(f"{len(airports):,} rows are good, {validator.rejected:,} are rejected")

        with p.stage("Save"):
            p.status("Saving all rows in one transaction: all of them, or none")
            pacer = Pacer(self.saving_rate(len(airports)), between=p.check_cancelled)
            created = save_airports(p.track(airports, label="Saving", unit="row"), pacer)
            p.log(f"saved {len(airports):,} airports, {created:,} of them new", level="success")

        with p.stage("Report"):
            p.status(f"{len(airports):,} airports imported", level="success")
            p.result(
                read=len(rows),
                valid=len(airports),
                rejected=validator.rejected,
                created=created,
                updated=len(airports) - created,
                country_count=len({airport.country for airport in airports}),
                countries=country_counts(airport.country for airport in airports),
                map=density_grid((airport.latitude, airport.longitude) for airport in airports),
            )

    def saving_rate(self, count: int) -> float:
        """Return how many rows a second to save: no fewer than `LONGEST_SAVE` has room for."""
        return self.rows_per_second and max(self.rows_per_second, count / LONGEST_SAVE)

    @property
    def source_name(self) -> str:
        """What the rows come from, for people to read."""
        return Path(self.source.name or "").name or gettext("public list")

    def open_source(self) -> IO[bytes]:
        """Open the uploaded file, or the public list if there is none."""
        try:
            return self.source.open("rb") if self.source else PUBLIC_LIST.open("rb")
        except FileNotFoundError as error:
            raise OperationError(
                "The uploaded file is no longer there; upload it again."
            ) from error


@contextmanager
def reported_errors() -> Iterator[None]:
    """Turn what is wrong with a file into an error whose sentence the watchers read."""
    try:
        yield
    except ImportFileError as error:
        raise OperationError(str(error)) from error


def save_airports(airports: Iterable[AirportRecord], pacer: Pacer) -> int:
    """Create or update all airports in one transaction; return how many are new."""
    fields = AirportRecord._fields
    with transaction.atomic():
        before = Airport.objects.count()
        for batch in batches(airports, BATCH_SIZE):
            Airport.objects.bulk_create(
                [Airport(**airport._asdict()) for airport in batch],
                update_conflicts=True,
                unique_fields=["ident"],
                update_fields=[field for field in fields if field != "ident"],
            )
            pacer.step(len(batch))
        return Airport.objects.count() - before

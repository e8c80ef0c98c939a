"""An operation that fails in its middle stage, and goes on there once the reason is gone.

It consists of stage methods, so the return value of each is stored. Resumed, a stage that was done
gives that value back at once instead of doing its work anew.
"""

import csv
import gzip
import hashlib
import io
from pathlib import Path
from typing import TypedDict

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from airports.importer import COLUMNS, read_rows
from airports.models import PUBLIC_LIST
from airports.pacing import Pacer
from liveops.exceptions import OperationError
from liveops.models import LiveOperation
from liveops.progress import Progress

#: In bytes; the parcel is carried in some twenty parts.
PART = 16_384


class Done(TypedDict):
    """What a stage leaves behind for those after it, and for a run that resumes.

    Attributes:
        run: id of the run that did it.
        at: when, as ISO 8601.
        text: what came of it, in a few words.
        file: the file it made, under MEDIA_ROOT.
        sha256: checksum of that file.
    """

    run: str
    at: str
    text: str
    file: str
    sha256: str


class DeliverAirports(LiveOperation):
    """Pack the airports that airlines serve, and deliver them to a warehouse that may be closed."""

    warehouse_answers = models.BooleanField(
        _("the warehouse answers"),
        default=False,
        help_text=_("While it does not, the second stage fails."),
    )
    rows_per_second = models.PositiveIntegerField(
        _("rows per second"),
        default=0,
        help_text=_("Slows the packing down, so that it is worth keeping; 0 is full speed."),
    )

    class Meta:
        verbose_name = _("delivery of airports")
        verbose_name_plural = _("deliveries of airports")

    def run(self, p: Progress) -> None:
        """Hand from stage to stage what each of them returned, in this run or in one before."""
        packed = self.pack(p)
        delivered = self.deliver(p, packed)
        counted = self.recount(p, delivered)
        done = dict(zip(self.stages, (packed, delivered, counted), strict=True))
        p.status(gettext("Delivered and counted"), level="success")
        p.result(
            stages=[
                {"name": name, **stage, "is_kept": stage["run"] != str(self.run_id)}
                for name, stage in done.items()
            ]
        )

    @LiveOperation.stage("Pack", "Packing the airports that have an IATA code")
    def pack(self, p: Progress) -> Done:
        """Write a compressed file of the rows with a code, out of the public list."""
        pacer = Pacer(self.rows_per_second, between=p.check_cancelled)
        iata = COLUMNS.index("iata")
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        count = 0
        with PUBLIC_LIST.open("rb") as stream:
            for row in p.track(read_rows(stream), label=gettext("Packing"), unit="row"):
                pacer.step()
                if row.values and row.values[iata]:
                    writer.writerow(row.values)
                    count += 1
        # Without the time in it, so that the same rows always have the same checksum.
        parcel = gzip.compress(text.getvalue().encode(), mtime=0)
        path = self.folder("parcels") / f"{self.pk}.csv.gz"
        path.write_bytes(parcel)
        message = ngettext("%(number)d airport packed", "%(number)d airports packed", count)
        return self.done(p, path, message % {"number": count})

    @LiveOperation.stage("Deliver", "Carrying the parcel to the warehouse")
    def deliver(self, p: Progress, packed: Done) -> Done:
        """Copy the parcel part by part.

        Raises:
            OperationError: the warehouse does not answer, or the parcel is gone.
        """
        p.log(f"knocking, with {packed['file']}")
        if not self.warehouse_answers:
            raise OperationError(
                gettext(
                    "The warehouse does not answer. Tick “The warehouse answers” above, save, and "
                    "press Resume: what is packed stays packed."
                )
            )
        parcel = media_folder() / packed["file"]
        if not parcel.exists():
            raise OperationError(gettext("The parcel is gone; start again to pack another one."))
        path = self.folder("warehouse") / parcel.name
        parts = -(-parcel.stat().st_size // PART)
        with parcel.open("rb") as source, path.open("wb") as target:
            for _number in p.track(range(parts), label=gettext("Carrying"), unit="part"):
                target.write(source.read(PART))
        message = ngettext("%(number)d part carried", "%(number)d parts carried", parts)
        return self.done(p, path, message % {"number": parts})

    @LiveOperation.stage("Recount", "Counting in the warehouse what has arrived")
    def recount(self, p: Progress, delivered: Done) -> Done:
        """Open the parcel where it was delivered.

        Raises:
            OperationError: it is not what was sent.
        """
        path = media_folder() / delivered["file"]
        if checksum(path) != delivered["sha256"]:
            raise OperationError(gettext("What has arrived is not what was sent."))
        with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
            count = sum(1 for _row in p.track(csv.reader(stream), unit="row")) - 1
        message = ngettext("%(number)d airport arrived", "%(number)d airports arrived", count)
        return self.done(p, path, message % {"number": count})

    def folder(self, name: str) -> Path:
        """Return a folder for files of deliveries; it exists."""
        path = media_folder() / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def done(self, p: Progress, path: Path, text: str) -> Done:
        """Log what a stage has done just now, and return what is stored of it."""
        p.log(text, level="success")
        return {
            "run": str(self.run_id),
            "at": timezone.now().isoformat(),
            "text": text,
            "file": path.relative_to(media_folder()).as_posix(),
            "sha256": checksum(path),
        }


def media_folder() -> Path:
    """Return where files are kept: all machines that run operations share it."""
    return Path(settings.MEDIA_ROOT)


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()

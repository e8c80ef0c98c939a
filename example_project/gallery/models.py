"""Where Django looks for tables; each example has its own in the module that it fills."""

from gallery.asynchronous import CheckLinks
from gallery.chain import Country, FetchCountries, ReportCountries, TransformCountries
from gallery.nightly import NightlySummary
from gallery.resuming import DeliverAirports

__all__ = [
    "CheckLinks",
    "Country",
    "DeliverAirports",
    "FetchCountries",
    "NightlySummary",
    "ReportCountries",
    "TransformCountries",
]

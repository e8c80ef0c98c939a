"""The examples of the start page: what each shows, how it is started, and where to read on."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from airports.forms import ImportForm
from gallery.forms import DeliverForm, FetchForm, LinksForm, NightlyForm
from sitecheck.forms import CheckSiteForm

Text = str | Promise

PROJECT = Path(__file__).resolve().parent.parent
#: The documentation; where it is not, as in the container, nothing leads there.
DOCS = PROJECT.parent / "docs"


@dataclass(frozen=True)
class Card:
    """One example.

    Attributes:
        name: of its address, and of the form that starts it.
        title: what it does.
        text: how, in a sentence or two.
        shows: what of the package can be seen in it.
        form: its presets start it from the card.
        button: what is on the card's button.
        command: the operation and its options, for `run_liveop`.
        source: the module to read, under the example project.
        docs: the page about it, under docs.
        icon: the path of its drawing, 24 units wide and high.
    """

    name: str
    title: Text
    text: Text
    shows: tuple[Text, ...]
    form: type[forms.ModelForm]  # type: ignore[type-arg]
    button: Text
    command: str
    source: str
    docs: str
    icon: str

    def presets(self) -> Iterator[tuple[str, str]]:
        """Give the names and values that the form would send if nobody changed anything."""
        for field in self.form():
            value = field.value()
            for each in value if isinstance(value, list) else [value]:
                if each not in (None, "", False):
                    yield field.html_name, "on" if each is True else str(each)

    @property
    def has_docs(self) -> bool:
        """Whether the page about it is on this machine."""
        return (DOCS / self.docs).is_file()


CARDS = (
    Card(
        name="import",
        title=_("The airports of the world"),
        text=_(
            "Reads 28,000 rows, checks each, and saves the good ones in one transaction; its "
            "result is a map."
        ),
        shows=(_("one run(), stages as blocks"), _("a picture as the result")),
        form=ImportForm,
        button=_("Start the import"),
        command="airports.ImportAirports",
        source="airports/models.py",
        docs="tutorial/first-operation.md",
        icon="M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18M3 12h18M12 3c-5 5-5 13 0 18M12 3c5 5 5 13 0 18",
    ),
    Card(
        name="check-site",
        title=_("A check of this site"),
        text=_(
            "Runs commands such as manage.py check --deploy. The last stage fails twice, on "
            "purpose, and is tried again."
        ),
        shows=(_("a method for each stage"), _("retry, skip, commands")),
        form=CheckSiteForm,
        button=_("Start the check"),
        command="sitecheck.CheckSite --set failures=2",
        source="sitecheck/models.py",
        docs="how-to/stage-methods.md",
        icon="M4 6l1.5 1.5L8 5M4 12l1.5 1.5L8 11M4 18l1.5 1.5L8 17M11 6h9M11 12h9M11 18h9",
    ),
    Card(
        name="chain",
        title=_("Fetch, transform, report"),
        text=_(
            "Three operations over 254 files of countries. Each goes on with the next, and the "
            "page follows without a reload."
        ),
        shows=(_("chain_to()"), _("one page, three operations")),
        form=FetchForm,
        button=_("Start the chain"),
        command="gallery.FetchCountries --set region=Europe",
        source="gallery/chain.py",
        docs="how-to/chaining.md",
        icon="M2.5 9h5v6h-5zM9.5 9h5v6h-5zM16.5 9h5v6h-5zM7.5 12h2M14.5 12h2",
    ),
    Card(
        name="deliver",
        title=_("A delivery that fails at first"),
        text=_(
            "The warehouse does not answer, so the second of three stages fails. Tick its box, and "
            "resume: what is packed stays packed."
        ),
        shows=(_("failure and resume"), _("a page of its own")),
        form=DeliverForm,
        button=_("Start the delivery"),
        command="gallery.DeliverAirports",
        source="gallery/resuming.py",
        docs="reference/stages.md",
        icon="M4 8l8-4l8 4v8l-8 4l-8-4zM4 8l8 4l8-4M12 12v8",
    ),
    Card(
        name="links",
        title=_("All links of this site"),
        text=_(
            "Follows every link from the start page, many at once, and says which of them lead "
            "nowhere."
        ),
        shows=(_("async def run"), _("many awaits at once")),
        form=LinksForm,
        button=_("Start following"),
        command="gallery.CheckLinks",
        source="gallery/asynchronous.py",
        docs="how-to/servers.md",
        icon="M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1"
        "M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
    ),
    Card(
        name="nightly",
        title=_("Every night at a quarter past two"),
        text=_(
            "Cron starts it and nobody owns it: it deletes what is old, sums up the day, and is in "
            "the list in the morning."
        ),
        shows=(_("text mode, from cron"), _("the system’s own")),
        form=NightlyForm,
        button=_("Run it now"),
        command="gallery.NightlySummary",
        source="gallery/nightly.py",
        docs="how-to/cron.md",
        icon="M20 14a8 8 0 1 1-10-10a7 7 0 0 0 10 10z",
    ),
)
"""In the order in which they are shown: what comes later builds upon what came before."""

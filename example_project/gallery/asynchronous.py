"""An operation with `async def run`: it has many questions on their way at the same time.

It asks this very site for its start page, then for all that can be reached from there, and says
which links lead nowhere. While it waits for one answer it has sent the next questions.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from gallery.web import Answer, ask
from liveops.exceptions import OperationError
from liveops.models import LiveOperation
from liveops.progress import Progress

#: Enough for this site; a limit, should pages ever make up addresses without an end.
MOST = 300
SLOWEST = 5


def configured_address() -> str:
    """Return where the settings say that this site can be reached, or an empty string."""
    return str(getattr(settings, "SITE_ADDRESS", ""))


def own_address() -> str:
    """Return where this site is if nobody knows better, as a form does from its request."""
    return configured_address() or "http://127.0.0.1:8000/"


class CheckLinks(LiveOperation):
    """Follow the links of this site, many at once, and find those that lead nowhere."""

    address = models.CharField(_("address of the site"), max_length=200, default=own_address)
    at_once = models.PositiveSmallIntegerField(
        _("questions at once"),
        default=8,
        validators=[MinValueValidator(1), MaxValueValidator(32)],
        help_text=_("How many answers it waits for at the same time."),
    )

    stages: ClassVar[list[str]] = ["Start page", "Links", "Report"]

    class Meta:
        verbose_name = _("check of links")
        verbose_name_plural = _("checks of links")

    async def run(self, p: Progress) -> None:
        """Ask for one page, then for all that pages lead to, until there is nothing new."""
        with p.stage("Start page"):
            start = await ask(self.address)
            if start.status != 200:
                reason = start.problem or f"HTTP {start.status}"
                raise OperationError(
                    gettext("%(address)s does not answer: %(reason)s")
                    % {"address": self.address, "reason": reason}
                )
            p.log(f"{self.address} answers, and leads to {len(start.links)} addresses")

        answers = [start]
        origins = dict.fromkeys(start.links, self.address)
        begin = time.monotonic()
        with p.stage("Links"):
            new = [address for address in start.links if address != self.address]
            while new:
                found = await self.ask_all(p, new)
                answers += found
                new = []
                for answer in found:
                    for link in answer.links:
                        if link not in origins and len(origins) < MOST:
                            origins[link] = answer.address
                            new.append(link)
        seconds = time.monotonic() - begin

        with p.stage("Report"):
            broken = [answer for answer in answers if not 200 <= answer.status < 400]
            for answer in broken:
                reason = answer.problem or f"HTTP {answer.status}"
                p.log(f"{answer.address}: {reason}, from {origins[answer.address]}", level="error")
            self.report(p, answers, broken, seconds)

    async def ask_all(self, p: Progress, addresses: Sequence[str]) -> list[Answer]:
        """Ask for addresses, `at_once` of them at the same time; return the answers as they come.

        A cancel is noticed between two answers; the questions that are under way end with it.
        """
        gate = asyncio.Semaphore(self.at_once)

        async def ask_in_turn(address: str) -> Answer:
            async with gate:
                return await ask(address)

        tasks = [asyncio.ensure_future(ask_in_turn(address)) for address in addresses]
        answers = []
        try:
            coming = asyncio.as_completed(tasks)
            label = gettext("Asking")
            for next_one in p.track(coming, total=len(tasks), label=label, unit="address"):
                answer = await next_one
                answers.append(answer)
                path = urlsplit(answer.address).path
                p.log(f"{answer.status} {path} ({answer.seconds * 1000:.0f} ms)", level="debug")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return answers

    def report(
        self, p: Progress, answers: list[Answer], broken: list[Answer], seconds: float
    ) -> None:
        """Say how it is, and how much time was saved."""
        if broken:
            text = ngettext(
                "%(number)d link leads nowhere", "%(number)d links lead nowhere", len(broken)
            )
            p.status(text % {"number": len(broken)}, level="warning")
        else:
            p.status(gettext("All links lead somewhere"), level="success")
        slowest = sorted(answers, key=lambda answer: -answer.seconds)[:SLOWEST]
        p.result(
            asked=len(answers),
            broken=[[urlsplit(answer.address).path, answer.status] for answer in broken],
            slowest=[
                [urlsplit(answer.address).path, round(1000 * answer.seconds)] for answer in slowest
            ],
            seconds=round(seconds, 1),
            waited=round(sum(answer.seconds for answer in answers), 1),
        )

"""The operation that checks this site, by the commands that one runs before a release."""

import platform
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TypedDict

import django
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from tenacity import RetryCallState

from liveops.commands import CommandResult
from liveops.models import LiveOperation
from liveops.progress import Progress
from liveops.scripts import RetryStage

MANAGE = Path(__file__).resolve().parent.parent / "manage.py"


class Finding(TypedDict):
    """What a check found.

    Attributes:
        level: `"success"`, or `"warning"` if somebody should look at it.
        text: a few words, for the table of the result.
    """

    level: str
    text: str


class CheckSite(LiveOperation):
    """Check the settings, migrations, static files and installed packages of this very site."""

    failures = models.PositiveSmallIntegerField(
        _("failures on purpose"),
        default=0,
        validators=[MaxValueValidator(5)],
        help_text=_(
            "How often the last check fails before it does its work; from 4 on, its attempts are "
            "used up."
        ),
    )
    # By its name this goes before the delay that the stage "Dependencies" declares.
    dependencies_retry_delay = models.FloatField(
        _("seconds between attempts"),
        default=1,
        validators=[MinValueValidator(0), MaxValueValidator(60)],
    )
    # `p.run()` asks for it.
    dry_run = models.BooleanField(
        _("dry run"),
        default=False,
        help_text=_("Only say which commands would be run."),
    )

    failures_left = 0

    class Meta:
        verbose_name = _("check of the site")
        verbose_name_plural = _("checks of the site")

    def run(self, p: Progress) -> None:
        """Go through the stages, and make a table of what each of them returned.

        Without this method they would run just the same, but there would be no result.
        """
        checks = (
            self.check_settings,
            self.check_migrations,
            self.check_static_files,
            self.check_dependencies,
        )
        findings: list[Finding | None] = [check(p) for check in checks]  # None where skipped
        if self.dry_run:
            p.status(gettext("A dry run: nothing was checked"))
        elif any(finding and finding["level"] == "warning" for finding in findings):
            p.status(gettext("Nothing is broken, but there are warnings"), level="warning")
        else:
            p.status(gettext("All is in order"), level="success")
        p.result(
            checks=list(zip(self.stages, findings, strict=True)),
            dry_run=self.dry_run,
        )

    # The stages. A command that ends with an exit status other than 0 fails its stage, and that
    # fails the operation, with the command's last lines as the reason.

    @LiveOperation.stage("Settings", "Checking the settings for a live site")
    def check_settings(self, p: Progress) -> Finding:
        """Have Django look for what is unsafe; its warnings are counted, its errors fail."""
        result = self.manage(p, "check", "--deploy")
        warnings = first_number(r"identified (\d+) issue", result)
        if not warnings:
            return {"level": "success", "text": gettext("no warnings")}
        text = ngettext("%(number)d warning", "%(number)d warnings", warnings)
        return {"level": "warning", "text": text % {"number": warnings}}

    @LiveOperation.stage("Migrations", "Looking for migrations that are not applied")
    def check_migrations(self, p: Progress) -> Finding:
        """Fail if the database is behind the code."""
        self.manage(p, "migrate", "--check", "--plan")
        return {"level": "success", "text": gettext("all are applied")}

    @LiveOperation.stage("Static files", "Finding the static files that would be collected")
    def check_static_files(self, p: Progress) -> Finding:
        """Count the files that would be copied."""
        result = self.manage(p, "collectstatic", "--dry-run", "--noinput", level="debug")
        files = first_number(r"(\d+) static file", result)
        text = ngettext("%(number)d file to copy", "%(number)d files to copy", files)
        return {"level": "success", "text": text % {"number": files}}

    @LiveOperation.stage(
        "Dependencies", "Checking that the installed packages fit together", retry_attempts=3
    )
    def check_dependencies(self, p: Progress) -> Finding:
        """Have pip compare what is installed with what is required; no network is needed.

        Raises:
            RetryStage: packages are missing, perhaps because they are being installed right now;
                or it was asked to fail.
        """
        if self.failures_left > 0:
            raise RetryStage(gettext("it was asked to fail"))
        if find_spec("pip") is None:
            return {"level": "warning", "text": gettext("not checked, as pip is not installed")}
        result = p.run([sys.executable, "-m", "pip", "check"], check=False)
        if result.returncode:
            raise RetryStage(result.output)
        return {"level": "success", "text": gettext("all fit together")}

    # The phases: one extended for all stages, two customised for the stage "Dependencies".

    def _begin_stage(self, heading: str) -> None:
        """Show a bar without a known end, for commands do not tell how far they are."""
        super()._begin_stage(heading)
        self.progress.percent(None)

    def _run_pre_stage_actions_dependencies(self) -> None:
        """Note the versions; and how often to fail, as this is done once, not at each attempt."""
        python, framework = platform.python_version(), django.get_version()
        self.progress.log(f"Python {python}, Django {framework}")
        self.failures_left = self.failures

    def _prepare_to_retry_stage_dependencies(self, retry_state: RetryCallState) -> None:
        """Come one failure closer to success."""
        super()._prepare_to_retry_stage(retry_state)
        self.failures_left -= 1

    def manage(self, p: Progress, *arguments: str, level: str = "info") -> CommandResult:
        """Run a command of `manage.py` with this process's own settings and database."""
        return p.run(
            [sys.executable, MANAGE, *arguments],
            env={"PYTHONUNBUFFERED": "1"},  # each line when it is printed, not all at the end
            level=level,
        )


def first_number(pattern: str, result: CommandResult) -> int:
    """Return the number that a pattern captures in the last lines of a command; 0 without one."""
    match = re.search(pattern, result.output)
    return int(match.group(1)) if match else 0

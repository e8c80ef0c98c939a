"""Code of the pages that is no file of a project: each piece is run, in this process."""

import asyncio
import queue
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from celery.bin.worker import worker
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.apps import apps
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import RequestFactory
from prometheus_client import REGISTRY

from liveops import reaping, redirects
from liveops.checks.settings import settings_messages
from liveops.conf import problems
from liveops.contrib import prometheus
from liveops.models import LiveOperation
from liveops.progress.redaction import Redactor, compiled
from liveops.runners import celery as runner
from liveops.runners import tasks
from liveops.runners.base import Runner
from tests.docs.pages import block, blocks, sessions, those
from tests.integration.helpers import run_scripted
from tests.testapp.models import Walk

PAGES_WITH_SETTINGS = {
    "how-to/limits.md": ["MAX_RUNNING_PER_USER", "REDIRECT_HOSTS"],
    "how-to/observe.md": ["METRICS", "TRACING"],
    "how-to/reaping.md": ["HEARTBEAT_SECONDS", "REAP_SECONDS", "STALE_SECONDS"],
    "how-to/secrets.md": ["REDACT"],
}
LIVEOPS = "python LIVEOPS = {"
WITH_QUEUE = "python from typing import Any, ClassVar"
METRICS = "python from django.http import HttpResponse"


def run(text: str, **given: Any) -> dict[str, Any]:
    """Run code of a page; return the names that there are after it."""
    names: dict[str, Any] = {"__name__": "shop", **given}
    exec(text, names)  # noqa: S102  (the page's own code)
    return names


def liveops_of(page: str) -> dict[str, Any]:
    """Return all keys of ``LIVEOPS`` that the plain settings of a page set."""
    found: dict[str, Any] = {}
    for text in those(page, LIVEOPS):
        found |= run(text)["LIVEOPS"]
    return found


@pytest.mark.parametrize("page", PAGES_WITH_SETTINGS)
def test_settings_are_right(page: str) -> None:
    found = liveops_of(page)
    assert sorted(found) == PAGES_WITH_SETTINGS[page]
    assert problems(found) == []


@pytest.mark.django_db(transaction=True)
def test_somebody_who_may_start_no_more_is_told(settings: Any) -> None:
    settings.LIVEOPS = {**liveops_of("how-to/limits.md"), "RUNNER": f"{__name__}.Waiting"}
    ada = User.objects.create_user("ada")
    told: list[str] = []
    messages = SimpleNamespace(error=lambda request, text: told.append(text))
    text = block("how-to/limits.md", "python from liveops.exceptions import TooManyRunningError")
    for _ in range(6):
        run(text, operation=Walk.objects.create(owner=ada), messages=messages, request=None)
    (sentence,) = told
    assert sentence.startswith("Only 5 operations of a user may wait or run at a time.")


class Waiting(Runner):
    """In it nothing begins."""

    def enqueue(self, operation: LiveOperation) -> None:
        """Take the operation."""


def test_pages_lead_to_the_hosts_that_are_named(settings: Any) -> None:
    settings.LIVEOPS = liveops_of("how-to/limits.md")
    assert redirects.is_allowed("https://pay.example.com/")
    assert redirects.is_allowed("https://shop.partner.example.org/")
    assert not redirects.is_allowed("https://example.com/")


def test_what_the_patterns_are_for_is_masked() -> None:
    mask = Redactor(compiled(tuple(liveops_of("how-to/secrets.md")["REDACT"]))).mask
    assert mask("Password=hunter22 for sk_live_42") == "Password=*** for ***"
    key = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----"
    assert mask(f"read {key}!") == "read ***!"


@pytest.mark.django_db(transaction=True)
def test_the_marked_variable_is_in_no_traceback() -> None:
    text = block("how-to/secrets.md", "python from django.views.decorators.debug")
    assert text.count(": ...") == 1
    log_in = run(text.replace(": ...", ": raise ValueError(f'{user}: {password}')"))["log_in"]
    operation, _ = run_scripted(lambda op, p: log_in("ada", "hunter22"))
    assert "ValueError: ada: ***" in operation.traceback
    assert "hunter22" not in operation.traceback


def test_metrics_are_served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    prometheus.metrics(REGISTRY)
    one, several = those("how-to/observe.md", METRICS)
    request = RequestFactory().get("/metrics")
    answer = run(one)["metrics"](request)
    assert b"liveops_operations_started_total" in answer.content
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert run(several)["metrics"](request).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_runner_of_its_own(settings: Any) -> None:
    waiting: queue.Queue[str] = queue.Queue()
    names = run(block("reference/settings.md", "python from liveops.models"), my_queue=waiting)
    operation = Walk.objects.create()
    names["Overnight"]().enqueue(operation)
    for _ in range(2):
        names["work"](str(operation.pk))
    assert waiting.get_nowait() == str(operation.pk)
    operation.refresh_from_db()
    assert (operation.get_state(), operation.stage_runs.count()) == ("FINISHED_OK", 3)


@pytest.mark.django_db
def test_a_renamed_class_has_its_new_name_in_its_rows() -> None:
    rename = run(block("how-to/upgrading.md", "python from django.db import migrations"))["rename"]
    for name in ("shop.Import", "shop.Other"):
        operation = Walk.objects.create()
        LiveOperation.objects.filter(pk=operation.pk).update(operation_type=name)
    rename(apps, None)
    types = LiveOperation.objects.values_list("operation_type", flat=True)
    assert sorted(types) == ["shop.ImportPrices", "shop.Other"]


def options_of(page: str) -> dict[str, Any]:
    """Return the ``runner_options`` that a page shows; its class is no model here."""
    text = block(page, WITH_QUEUE).replace("from liveops.models import LiveOperation", "")
    found: dict[str, Any] = run(text, LiveOperation=object)["ImportWorld"].runner_options
    return found


def test_celery_is_told_the_queue_that_its_worker_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []
    app = Celery("shop", broker="memory://", set_as_current=False)
    task = SimpleNamespace(apply_async=lambda arguments, **options: sent.append(options))
    app.tasks[runner.TASK_NAME] = task
    stand_in = SimpleNamespace(_get_current_object=lambda: app)
    monkeypatch.setattr(runner, "current_app", stand_in)
    monkeypatch.setattr(Walk, "runner_options", options_of("how-to/celery.md"))
    operation = Walk()
    operation._state.db = "default"
    runner.CeleryRunner().enqueue(operation)
    (command,) = sessions("how-to/celery.md")[-1]
    words = command.line.split()
    assert words[:4] == ["celery", "-A", "mysite", "worker"]
    taken = worker.make_context("worker", words[4:], resilient_parsing=True).params
    assert [taken["queues"], taken["concurrency"]] == [[sent[0]["queue"]], 1]


def test_the_backend_of_tasks_knows_the_queue(settings: Any) -> None:
    settings.TASKS = run(block("how-to/django-tasks.md", "python TASKS"))["TASKS"]
    assert tasks._why_not(options_of("how-to/django-tasks.md")) is None
    assert "nowhere" in str(tasks._why_not({"queue_name": "nowhere"}))


def test_groups_are_spread_over_the_servers_of_a_layer() -> None:
    settings = run(block("explanation/scaling.md", "python CHANNEL_LAYERS"))["CHANNEL_LAYERS"]
    layer = RedisPubSubChannelLayer(**settings["default"]["CONFIG"])
    assert settings["default"]["BACKEND"].endswith("RedisPubSubChannelLayer")

    async def servers() -> set[str]:
        shards = [layer._get_layer()._get_shard(f"liveop.{n}") for n in range(100)]
        return {str(shard.host) for shard in shards}

    assert len(asyncio.run(servers())) == 4


@pytest.mark.parametrize(
    ("page", "head"),
    [
        ("how-to/scripts.md", "python from liveops.scripts import HelpFormatter"),
        ("reference/scripts.md", "python from liveops.scripts import HelpFormatter"),
        ("reference/scripts.md", "python from liveops.scripts import RetryStage, StagedScript"),
    ],
)
def test_what_is_imported_is_there(page: str, head: str) -> None:
    assert "StagedScript" in run(block(page, head))


def test_a_task_of_django_reaps(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TASKS = {"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}}
    called: list[bool] = []
    monkeypatch.setattr(reaping, "reap_once", lambda: called.append(True))
    (text,) = [each for each in blocks("how-to/reaping.md", "python") if "django.tasks" in each]
    there, instead = re.findall(r"from ([\w.]+) import task\b", text)
    assert (there, instead) == ("django.tasks", "django_tasks")
    run(text.replace(f"from {there} ", f"from {instead} "))["reap"].enqueue()
    assert called == [True]


def test_settings_of_several_machines_go_together(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = run(block("how-to/several-machines.md", "python # settings.py"))
    settings.CHANNEL_LAYERS, settings.LIVEOPS = shown["CHANNEL_LAYERS"], shown["LIVEOPS"]
    monkeypatch.setitem(django_settings.DATABASES, "default", shown["DATABASES"]["default"])
    app = Celery("shop", broker=shown["CELERY_BROKER_URL"], set_as_current=False)
    monkeypatch.setattr(runner, "current_app", SimpleNamespace(_get_current_object=lambda: app))
    assert settings_messages() == []

"""The rows beside an operation: progress, attempts, commands, log lines, and who steered it.

They carry no foreign-key constraint, so that writing progress never waits for a lock that user
code holds on the operation.
"""

import uuid
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from liveops.stages.names import MAX_NAME_LENGTH


class LiveProgress(models.Model):
    """What a running operation shows, saved at a low rate; one row for each operation."""

    operation = models.OneToOneField(
        "liveops.LiveOperation",
        primary_key=True,
        on_delete=models.CASCADE,
        db_constraint=False,
        related_name="live_progress",
    )
    operation_id: uuid.UUID
    run_id = models.UUIDField(null=True)
    seq = models.PositiveBigIntegerField(default=0)
    log_seq = models.PositiveBigIntegerField(default=0)
    status_text = models.TextField(default="", blank=True)
    status_level = models.CharField(max_length=10, default="info")
    percent = models.FloatField(null=True)
    done = models.BigIntegerField(null=True)
    total = models.BigIntegerField(null=True)
    unit = models.CharField(max_length=100, default="item")
    label = models.CharField(max_length=200, default="", blank=True)
    rate = models.FloatField(null=True)
    swaps = models.JSONField(default=dict, blank=True)
    stage_attempts = models.JSONField(default=dict, blank=True)
    taken_at = models.FloatField(default=0.0)
    stage_times = models.JSONField(default=dict, blank=True)
    expected = models.JSONField(default=dict, blank=True)
    reached = models.FloatField(default=0.0)
    error_text = models.TextField(default="", blank=True)
    heartbeat_on = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("live progress")
        verbose_name_plural = _("live progress")

    def __str__(self) -> str:
        return f"{self.operation_id}: {self.status_text[:60]}"


class StageRun(models.Model):
    """One attempt of one stage, written when it ends.

    One that ``is_checkpoint`` stands for its stage when the operation is resumed: the stage, a
    method, was done, ``result`` is what it returned, and nothing of it was rolled back.
    """

    operation = models.ForeignKey(
        "liveops.LiveOperation",
        on_delete=models.CASCADE,
        db_constraint=False,
        related_name="stage_runs",
    )
    operation_id: uuid.UUID
    run_id = models.UUIDField()
    stage = models.CharField(max_length=MAX_NAME_LENGTH)
    attempt = models.PositiveIntegerField(default=1)
    started_on = models.DateTimeField()
    finished_on = models.DateTimeField()
    outcome = models.CharField(max_length=12)
    result = models.JSONField(null=True, blank=True, encoder=DjangoJSONEncoder)
    is_checkpoint = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("stage run")
        verbose_name_plural = _("stage runs")
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.stage} ({self.outcome})"


class CommandRun(models.Model):
    """One command that ``p.run()`` ran, written when it ends.

    ``exit_status`` is None for a command that could not be started, and negative for one that a
    signal ended.
    """

    operation = models.ForeignKey(
        "liveops.LiveOperation",
        on_delete=models.CASCADE,
        db_constraint=False,
        related_name="command_runs",
    )
    operation_id: uuid.UUID
    run_id = models.UUIDField()
    stage = models.CharField(max_length=MAX_NAME_LENGTH, default="", blank=True)
    command = models.TextField()
    exit_status = models.IntegerField(null=True)
    started_on = models.DateTimeField()
    finished_on = models.DateTimeField()

    class Meta:
        verbose_name = _("command run")
        verbose_name_plural = _("command runs")
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.command[:80]


class ControlRecord(models.Model):
    """Somebody steered an operation. Kept when it is run anew.

    ``user_name`` stays when the user is gone; it is empty where nobody in particular did it. With
    ``GO_ON`` nobody did: a reaper resumed the operation, as its class asks for.
    """

    class Action(models.TextChoices):
        CANCEL = "cancel", _("cancelled")
        RESUME = "resume", _("resumed")
        RESTART = "restart", _("started again")
        GO_ON = "go_on", _("went on by itself")

    operation = models.ForeignKey(
        "liveops.LiveOperation",
        on_delete=models.CASCADE,
        db_constraint=False,
        related_name="control_records",
    )
    operation_id: uuid.UUID
    action = models.CharField(max_length=12, choices=Action.choices)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        related_name="+",
    )
    user_id: Any
    user_name = models.CharField(max_length=255, default="", blank=True)
    time = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("control record")
        verbose_name_plural = _("control records")
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.user_name} {self.action}"


class LogLine(models.Model):
    """One line of an operation's log."""

    operation = models.ForeignKey(
        "liveops.LiveOperation",
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="log_lines",
    )
    operation_id: uuid.UUID
    seq = models.PositiveBigIntegerField()
    time = models.DateTimeField()
    level = models.CharField(max_length=10)
    stage = models.CharField(max_length=MAX_NAME_LENGTH, default="", blank=True)
    text = models.TextField(blank=True)

    class Meta:
        verbose_name = _("log line")
        verbose_name_plural = _("log lines")
        ordering = ("seq",)
        constraints = (
            models.UniqueConstraint(fields=["operation", "seq"], name="liveops_log_seq"),
        )

    def __str__(self) -> str:
        return self.text[:80]

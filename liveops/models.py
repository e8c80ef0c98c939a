"""The table of operations; the rows that a run leaves beside one are in ``liveops.rows``.

Operations of every class share one table of this app; a subclass adds a table of its own fields
(multi-table inheritance).
"""

import uuid
from functools import partial
from typing import Any, ClassVar

from django.apps import apps
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, router, transaction
from django.db.models import Case, Value, When
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from liveops import conf, limits
from liveops.exceptions import ConfigurationError, InvalidStateError, UnknownOperationTypeError
from liveops.fencing import FencedModel
from liveops.guarded import GuardedOperation
from liveops.naming import template_name
from liveops.parentage import ParentOfMany
from liveops.rows import CommandRun, ControlRecord, LiveProgress, LogLine, StageRun
from liveops.shares import Share
from liveops.staged import StagedOperation
from liveops.stages import stage_methods
from liveops.states import RESUMABLE_STATES, State

__all__ = [
    "CommandRun",
    "ControlRecord",
    "LiveOperation",
    "LiveProgress",
    "LogLine",
    "Share",
    "StageRun",
]


def current_language() -> str:
    """Return the active language, in which the operation will speak to its watchers."""
    return translation.get_language() or settings.LANGUAGE_CODE


class LiveOperation(ParentOfMany, GuardedOperation, StagedOperation, FencedModel):
    """One requested piece of work; subclass it and write ``run(self, p)`` or stage methods.

    Attributes:
        host_template_name: template of the live page; ``<app>/<class_in_snake_case>.html`` or
            the built-in page if None.
        result_template_name: template of the result; ``…_result.html`` likewise.
        resume_on_interrupt: how many times a run that was interrupted, because its worker died or
            was stopped, is resumed by itself; needs stage methods.
        runner_options: what the runner is told of these operations, such as
            ``{"queue": "imports"}``; each runner documents what it takes.
    """

    host_template_name: ClassVar[str | None] = None
    result_template_name: ClassVar[str | None] = None
    resume_on_interrupt: ClassVar[int] = 0
    runner_options: ClassVar[dict[str, Any]] = {}

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.CASCADE,
        related_name="live_operations",
    )
    operation_type = models.CharField(
        _("operation type"), max_length=255, editable=False, default=""
    )
    language = models.CharField(
        _("language"), max_length=35, default=current_language, editable=False
    )
    created_on = models.DateTimeField(_("created on"), default=timezone.now, editable=False)
    started_on = models.DateTimeField(_("started on"), null=True, editable=False)
    finished_on = models.DateTimeField(_("finished on"), null=True, editable=False)
    finished_successfully = models.BooleanField(
        _("finished successfully"), default=False, editable=False
    )
    cancel_requested = models.BooleanField(_("cancel requested"), default=False, editable=False)
    cancelled = models.BooleanField(_("cancelled"), default=False, editable=False)
    interrupted = models.BooleanField(_("interrupted"), default=False, editable=False)
    traceback = models.TextField(_("traceback"), default="", blank=True, editable=False)
    result_context = models.JSONField(
        _("result"), null=True, blank=True, editable=False, encoder=DjangoJSONEncoder
    )
    current_stage = models.IntegerField(_("current stage"), default=-1, editable=False)
    stage_states = models.JSONField(_("stage states"), default=dict, blank=True, editable=False)
    stages_to_run = models.JSONField(_("stages to run"), null=True, blank=True, editable=False)
    is_dry_run = models.BooleanField(  # pyright: ignore[reportAssignmentType]
        _("dry run"), default=False, editable=False
    )
    next_operation = models.OneToOneField(
        "self",
        verbose_name=_("next operation"),
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="previous_operation",
    )
    run_id = models.UUIDField(_("id of the run"), null=True, editable=False)
    # By the database's clock: when it was handed to a runner last, and how often again since then.
    enqueued_on = models.DateTimeField(_("enqueued on"), null=True, editable=False)
    hand_overs = models.PositiveSmallIntegerField(_("times handed over"), default=0, editable=False)
    resumes_left = models.PositiveSmallIntegerField(_("resumes left"), null=True, editable=False)
    declared_stages = models.JSONField(_("declared stages"), null=True, editable=False)
    # Computed by the database from the columns above, so that no two of them can disagree.
    state = models.GeneratedField(
        expression=Case(
            When(cancelled=True, then=Value(State.CANCELLED.value)),
            When(interrupted=True, then=Value(State.INTERRUPTED.value)),
            When(
                finished_on__isnull=False,
                finished_successfully=True,
                then=Value(State.FINISHED_OK.value),
            ),
            When(finished_on__isnull=False, then=Value(State.FINISHED_ERROR.value)),
            When(started_on__isnull=False, then=Value(State.STARTED.value)),
            default=Value(State.NOT_STARTED.value),
        ),
        verbose_name=_("state"),
        output_field=models.CharField(max_length=16),
        db_persist=True,
    )

    class Meta:
        verbose_name = _("live operation")
        verbose_name_plural = _("live operations")
        # Those that lists are read by have the whole order of a list, id included, so that no
        # database, with statistics or without, finds it cheaper to sort a long history.
        indexes = (
            models.Index(fields=["-created_on", "id"], name="liveops_newest"),
            models.Index(fields=["owner", "-created_on", "id"], name="liveops_owner_newest"),
            models.Index(fields=["state", "-created_on", "id"], name="liveops_state_newest"),
            models.Index(
                fields=["operation_type", "-created_on", "id"], name="liveops_type_newest"
            ),
            models.Index(
                fields=["operation_type", "state", "-created_on", "id"],
                name="liveops_type_state_newest",
            ),
            models.Index(
                fields=["owner", "state", "-created_on", "id"], name="liveops_owner_state_newest"
            ),
            models.Index(fields=["state", "-finished_on"], name="liveops_state_ended"),
            models.Index(fields=["state", "enqueued_on"], name="liveops_state_enqueued"),
            models.Index(fields=["state", "resumes_left"], name="liveops_state_resumes"),
        )

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {str(self.pk)[:8]}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; columns of the run that this instance did not change stay as they are stored.

        Raises:
            FenceLost: this instance belongs to a run that no longer owns the operation.
        """
        if self._state.adding and not self.operation_type:
            self.operation_type = self._meta.label
        if isinstance(self.stages_to_run, set | frozenset | tuple):
            self.stages_to_run = list(self.stages_to_run)
        super().save(*args, **kwargs)

    def on_restart(self) -> None:
        """Put the operation's own fields back before a restart; nothing by default."""

    def get_success_url(self) -> str | None:
        """Return where watchers go after success; None keeps them on the page."""
        return None

    def enqueue(self) -> None:
        """Hand the operation to the configured runner as soon as the transaction commits.

        That it is to run is stored in the same transaction: should the runner lose it, a reaper
        hands it over again.

        Raises:
            InvalidStateError: the operation is not saved yet.
            ConfigurationError: the configured runner cannot be used, or ``stages_to_run`` asks for
                what cannot be done.
            TooManyRunningError: ``MAX_RUNNING_PER_USER`` of the owner's wait or run already.
        """
        if self._state.adding:
            raise InvalidStateError("Save the operation before you call enqueue().")
        self.check_stages_to_run()
        if self.stages_to_run is not None:
            self.save(update_fields=["stages_to_run"])  # runners load the operation anew
        runner = conf.load_runner()()
        alias = router.db_for_write(type(self), instance=self)
        limits.note_enqueued(self, alias)
        transaction.on_commit(partial(runner.submit, self), using=alias)

    def note_enqueued(self) -> None:
        """Store that the operation is to run, for a reaper to see to it whatever happens."""
        alias = router.db_for_write(type(self), instance=self)
        waiting = LiveOperation._base_manager.using(alias).filter(
            pk=self.pk, state=State.NOT_STARTED
        )
        waiting.update(enqueued_on=Now(), hand_overs=0)

    def check_stages_to_run(self) -> None:
        """Refuse ``stages_to_run`` that ask for what cannot be done.

        Raises:
            ConfigurationError: it names a stage that there is none of, or one that must run.
        """
        if self.stages_to_run is not None:
            problem = self.specific_class().why_not_only(self.stages_to_run)
            if problem is not None:
                raise ConfigurationError(problem)

    def get_state(self) -> str:
        """Return the state as one of the names in :class:`liveops.states.State`."""
        if self.cancelled:
            return State.CANCELLED.value
        if self.interrupted:
            return State.INTERRUPTED.value
        if self.finished_on is not None:
            done = State.FINISHED_OK if self.finished_successfully else State.FINISHED_ERROR
            return done.value
        return (State.STARTED if self.started_on is not None else State.NOT_STARTED).value

    @property
    def can_resume(self) -> bool:
        """Whether it ended without success and consists of stage methods: it can go on."""
        if self.get_state() not in RESUMABLE_STATES:
            return False
        try:
            return bool(stage_methods(self.specific_class()))
        except UnknownOperationTypeError:
            return False

    def specific_class(self) -> "type[LiveOperation]":
        """Return the class that the operation was created as.

        Raises:
            UnknownOperationTypeError: the project no longer has that class.
        """
        label = self.operation_type or self._meta.label
        try:
            model = apps.get_model(label)
        except (LookupError, ValueError) as error:
            raise UnknownOperationTypeError(
                f"Operation {self.pk} is of type {label!r}, which this project does not have. "
                f"If the class was renamed, update operation_type in a data migration."
            ) from error
        if not issubclass(model, LiveOperation):
            raise UnknownOperationTypeError(f"{label!r} is not an operation.")
        return model

    @cached_property
    def specific(self) -> "LiveOperation":
        """The same operation as an instance of its own class.

        Raises:
            UnknownOperationTypeError: the project no longer has that class.
        """
        model = self.specific_class()
        if type(self) is model:
            return self
        return model._base_manager.using(self._state.db).get(pk=self.pk)

    def get_absolute_url(self) -> str:
        """Return the address of the live page."""
        return reverse("liveops:live", kwargs={"pk": self.pk})

    def get_host_template_name(self) -> str:
        """Return the name of the template of this class's live page."""
        return self.host_template_name or template_name(self._meta.label)

    def get_result_template_name(self) -> str:
        """Return the name of the template of this class's result."""
        return self.result_template_name or template_name(self._meta.label, "_result.html")

    def get_channel_name(self) -> str:
        """Return the name of the channel group that frames of this operation go to."""
        return f"liveop.{self.pk}"


RESERVED_NAMES = frozenset(
    name for base in LiveOperation.__mro__ for name in vars(base) if not name.startswith("_")
)
"""What a subclass may not be called in lower case: Django puts an attribute of that name here."""

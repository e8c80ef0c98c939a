"""What can be done to the selected operations: cancel, resume, restart, delete."""

import logging
from collections import Counter
from collections.abc import Callable
from enum import Enum, auto
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import actions
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from liveops import control
from liveops.admin.labels import own_form
from liveops.exceptions import InvalidStateError, TooManyRunningError
from liveops.models import LiveOperation
from liveops.states import State

logger = logging.getLogger("liveops")

Say = Callable[[int], str]
Operations = QuerySet[LiveOperation]


class Outcome(Enum):
    """What came of an action on one operation."""

    DONE = auto()
    REFUSED = auto()
    FORBIDDEN = auto()
    TOO_MANY = auto()
    FAILED = auto()


class ControlActions:
    """The actions of a ``ModelAdmin`` for operations; each asks the rule for every single one."""

    @admin.action(permissions=["control"], description=_("Cancel selected %(verbose_name_plural)s"))
    def cancel_selected(self, request: HttpRequest, queryset: Operations) -> None:
        """Ask those that run to stop, and take those that wait out of the queue."""
        self._steer(
            request,
            queryset,
            control.cancel,
            done=lambda n: ngettext("%d cancelled", "%d cancelled", n) % n,
            refused=lambda n: ngettext("%d was not running", "%d were not running", n) % n,
        )

    @admin.action(permissions=["control"], description=_("Resume selected %(verbose_name_plural)s"))
    def resume_selected(self, request: HttpRequest, queryset: Operations) -> None:
        """Let those that failed or were stopped go on after their last checkpoint."""
        self._steer(
            request,
            queryset,
            control.resume,
            done=lambda n: ngettext("%d resumed", "%d resumed", n) % n,
            refused=lambda n: (
                ngettext("%d cannot be resumed as it is", "%d cannot be resumed as they are", n) % n
            ),
        )

    @admin.action(
        permissions=["control"], description=_("Start selected %(verbose_name_plural)s again")
    )
    def restart_selected(self, request: HttpRequest, queryset: Operations) -> None:
        """Drop what the last run left, and begin anew."""
        self._steer(
            request,
            queryset,
            control.restart,
            done=lambda n: ngettext("%d started again", "%d started again", n) % n,
            refused=lambda n: ngettext("%d had not ended", "%d had not ended", n) % n,
        )

    @admin.action(permissions=["delete"], description=_("Delete selected %(verbose_name_plural)s"))
    def delete_selected(self, request: HttpRequest, queryset: Operations) -> HttpResponse | None:
        """Delete as Django does, but leave out what is running."""
        running = queryset.filter(state=State.STARTED).count()
        idle = queryset.exclude(state=State.STARTED)
        if running and not request.POST.get("post"):
            sentence = ngettext(
                "%d is running and stays; cancel it first.",
                "%d are running and stay; cancel them first.",
                running,
            )
            messages.warning(request, sentence % running)
        if not idle.exists():
            return None
        asked: HttpResponse | None = actions.delete_selected(self, request, idle)  # type: ignore[arg-type]
        return asked

    @admin.action(
        permissions=["control"],
        description=_("End share links of selected %(verbose_name_plural)s"),
    )
    def revoke_shares_selected(self, request: HttpRequest, queryset: Operations) -> None:
        """End all share links, and the pages that were opened by them."""
        self._steer(
            request,
            queryset,
            _revoke_shares,
            done=lambda n: (
                ngettext("%d is not shared any more", "%d are not shared any more", n) % n
            ),
            refused=lambda n: ngettext("%d was not shared", "%d were not shared", n) % n,
        )

    def _steer(
        self,
        request: HttpRequest,
        queryset: Operations,
        act: Callable[..., Any],
        *,
        done: Say,
        refused: Say,
    ) -> None:
        """Act on each operation, and say in one sentence what came of it."""
        # By number, as each one's state is asked for when its turn comes.
        pks = list(queryset.values_list("pk", flat=True))
        found = Counter(_try(act, queryset.model, pk, request.user) for pk in pks)
        say: dict[Outcome, Say] = {
            Outcome.DONE: done,
            Outcome.REFUSED: refused,
            Outcome.FORBIDDEN: lambda n: ngettext("%d is not yours", "%d are not yours", n) % n,
            Outcome.TOO_MANY: lambda n: (
                ngettext(
                    "%d stays as it is, for its owner has too many others",
                    "%d stay as they are, for their owner has too many others",
                    n,
                )
                % n
            ),
            Outcome.FAILED: lambda n: (
                ngettext(
                    "%d failed; the server's log says why",
                    "%d failed; the server's log says why",
                    n,
                )
                % n
            ),
        }
        parts = [sentence(found[outcome]) for outcome, sentence in say.items() if found[outcome]]
        level = messages.SUCCESS if set(found) == {Outcome.DONE} else messages.WARNING
        messages.add_message(request, level, "; ".join(parts) + ".")


def _revoke_shares(operation: LiveOperation, by: Any) -> None:
    if not operation.revoke_shares():
        raise InvalidStateError("It was not shared.")


def _try(act: Callable[..., Any], model: type[LiveOperation], pk: Any, user: Any) -> Outcome:
    row = model._default_manager.filter(pk=pk).first()
    if row is None:
        return Outcome.REFUSED  # somebody deleted it a moment ago
    operation = own_form(row)
    if not operation.can_control(user):
        return Outcome.FORBIDDEN
    try:
        act(operation, by=user)
    except InvalidStateError:
        return Outcome.REFUSED
    except TooManyRunningError:
        return Outcome.TOO_MANY
    except Exception:  # a hook of the class, or one that the project no longer has
        logger.exception("liveops: %s of operation %s failed", act.__name__, pk)
        return Outcome.FAILED
    return Outcome.DONE

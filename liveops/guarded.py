"""What an operation says of who may see and steer it; a class may say something else.

All doors ask these methods on the operation's own class: pages, sockets, lists, the admin.
"""

import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from django.db.models import Q
from django.urls import reverse

from liveops import access, tokens

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
    from django.db.models.fields.related_descriptors import RelatedManager

    from liveops.models import (
        CommandRun,
        ControlRecord,
        LiveOperation,
        LiveProgress,
        LogLine,
        Share,
        StageRun,
    )

    User = AbstractBaseUser | AnonymousUser | None


class GuardedOperation:
    """The rule, its default, and what lets somebody in without a session."""

    pk: uuid.UUID
    # What Django adds to the class of operations, for checkers that do not know Django.
    owner_id: Any
    next_operation_id: uuid.UUID | None
    live_progress: "LiveProgress"
    stage_runs: "RelatedManager[StageRun]"
    command_runs: "RelatedManager[CommandRun]"
    control_records: "RelatedManager[ControlRecord]"
    log_lines: "RelatedManager[LogLine]"
    share_links: "RelatedManager[Share]"

    @property
    def _operation(self) -> "LiveOperation":
        return cast("LiveOperation", self)

    def can_view(self, user: "User") -> bool:
        """Return whether the user may watch this operation.

        A class that overrides this should override :meth:`visible_to` as well.
        """
        return access.can_view(self._operation, user)

    def can_control(self, user: "User") -> bool:
        """Return whether the user may cancel, resume and restart this operation."""
        return access.can_control(self._operation, user)

    def can_debug(self, user: "User") -> bool:
        """Return whether the user may read this operation's traceback and commands."""
        return access.can_debug(self._operation, user)

    @classmethod
    def visible_to(cls, user: Any) -> Q:
        """Return the condition that lists put on operations of this class: what the user may watch.

        It says for many at once what :meth:`can_view` says for one, in columns of
        ``LiveOperation``. Operations of a class that overrides that one and not this one are in no
        list; ``manage.py check`` warns of it.

        Args:
            user: somebody who is logged in, active and in the required group.
        """
        return access.visible_by_default(cls, user)

    @property
    def subscription_token(self) -> str:
        """A signed token that lets whoever has it watch this operation for a limited time.

        It is for a page of your own that shows the operation to people who may not see it by
        themselves, and is renewed as long as that page is open.
        """
        return tokens.for_page(self.pk)

    def share_token(
        self,
        *,
        expires: timedelta | datetime | None = None,
        control: bool = False,
        by: Any = None,
    ) -> str:
        """Return the token of a new share: it lets whoever has it watch this operation.

        Args:
            expires: from now on, or the moment; left out, ``SHARE_SECONDS`` from now on.
            control: whether it lets cancel, resume and restart, too.
            by: the user who shares, to be recorded.

        Raises:
            ValueError: it would have expired already, or the moment is not what ``USE_TZ`` says.
        """
        return access.share(self._operation, expires=expires, control=control, by=by)

    def share_url(
        self,
        *,
        expires: timedelta | datetime | None = None,
        control: bool = False,
        by: Any = None,
    ) -> str:
        """Return the path of a share link; arguments as for :meth:`share_token`.

        The token stands behind the ``#``: browsers send that to nobody.
        """
        page = reverse("liveops:shared", kwargs={"pk": self.pk})
        return f"{page}#{self.share_token(expires=expires, control=control, by=by)}"

    def revoke_shares(self) -> int:
        """End all shares of this operation, and the pages that live by them; return how many."""
        return access.revoke_all(self._operation)

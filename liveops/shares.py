"""Shares: who has the link may watch one operation, until the share ends or is revoked."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models, router
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from liveops import tokens
from liveops.conf import get_settings


class Share(models.Model):
    """What a share link stands for; the link holds the signed id of the row."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    operation = models.ForeignKey(
        "liveops.LiveOperation",
        on_delete=models.CASCADE,
        db_constraint=False,
        related_name="share_links",
    )
    control = models.BooleanField(_("may steer"), default=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("shared by"),
        null=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        related_name="+",
    )
    created_on = models.DateTimeField(_("created on"), default=timezone.now)
    expires_on = models.DateTimeField(_("expires on"))
    revoked_on = models.DateTimeField(_("revoked on"), null=True)

    class Meta:
        verbose_name = _("share")
        verbose_name_plural = _("shares")
        ordering = ("created_on", "pk")

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {str(self.pk)[:8]}"

    @property
    def token(self) -> str:
        """The token of the link."""
        return tokens.for_share(self.pk)

    @property
    def is_good(self) -> bool:
        """Whether the share has neither ended nor been revoked."""
        return self.revoked_on is None and self.expires_on > timezone.now()

    def revoke(self) -> bool:
        """End the share now; return whether it was still good."""
        return bool(end(type(self)._base_manager.filter(pk=self.pk)))


def make(operation: Any, expires: timedelta | datetime | None, control: bool, by: Any) -> Share:
    """Return a new, stored share of an operation; see ``LiveOperation.share_token``."""
    pk = getattr(by, "pk", None)
    return Share._base_manager.using(
        router.db_for_write(type(operation), instance=operation)
    ).create(
        operation_id=operation.pk, expires_on=_moment(expires), control=control, created_by_id=pk
    )


def find(token: str, operation_pk: uuid.UUID) -> Share | None:
    """Return the share of an operation that a token is for, if it is still good."""
    pk = tokens.share_of(token)
    if pk is None:
        return None
    shares = Share._base_manager.select_related("created_by")
    share = shares.filter(pk=pk, operation=operation_pk).first()
    return share if share is not None and share.is_good else None


def end(shares: "models.QuerySet[Share]") -> list[Share]:
    """Revoke those that are still good; return them."""
    now, ended = timezone.now(), []
    for share in shares.filter(revoked_on=None, expires_on__gt=now):
        share.revoked_on = now
        share.save(update_fields=["revoked_on"])  # whoever listens for it tells the watchers
        ended.append(share)
    return ended


def _moment(expires: timedelta | datetime | None) -> datetime:
    now = timezone.now()
    if expires is None:
        expires = timedelta(seconds=get_settings().SHARE_SECONDS)
    if isinstance(expires, datetime):
        if timezone.is_naive(expires) != timezone.is_naive(now):
            kind = "naive" if settings.USE_TZ else "aware"
            raise ValueError(f"expires is a {kind} datetime, which USE_TZ does not allow.")
        moment = expires
    elif isinstance(expires, timedelta):
        try:
            moment = now + expires
        except OverflowError as error:
            raise ValueError("expires is further away than the calendar goes.") from error
    else:
        raise TypeError(f"expires must be a timedelta or a datetime, not {expires!r}.")
    if moment <= now:
        raise ValueError("expires must be in the future, or nobody could use the share.")
    return moment

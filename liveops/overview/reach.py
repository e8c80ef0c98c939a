"""Whose operations a user may watch, read once: for lists, where asking for each would cost."""

from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from liveops import access
from liveops.guarded_classes import own_rules
from liveops.models import LiveOperation


def operation_classes() -> list[type[LiveOperation]]:
    """Return the project's operation classes."""
    return [
        model
        for model in apps.get_models()
        if issubclass(model, LiveOperation) and model is not LiveOperation
    ]


@dataclass(frozen=True, slots=True)
class Reach:
    """What :func:`liveops.access.can_view` says of operations, for many at once.

    Attributes:
        user_pk: the user, who sees the own operations.
        labels: classes whose operations the user sees whoever owns them.
        everything: whether the user sees those of every owner and class.
        user: the instance, for classes with rules of their own.
    """

    user_pk: Any
    labels: frozenset[str] = frozenset()
    everything: bool = False
    user: Any = field(default=None, compare=False)

    @classmethod
    def of(cls, user: Any) -> "Reach | None":
        """Return a user's reach as it is now; None for one who may not enter at all."""
        labels = frozenset(access.open_classes(user, "view", "change"))
        if not labels and not access.may_enter(user):
            return None
        everything = LiveOperation._meta.label in labels
        return cls(user.pk, labels - own_rules().keys(), everything, user)

    @property
    def sees_others(self) -> bool:
        """Whether the user may see operations of somebody else."""
        return bool(self.labels or own_rules())

    def includes(self, label: str, owner_pk: Any) -> bool:
        """Return whether an operation of this class and owner is within reach.

        Never for a class with a rule of its own, which would have to be asked.
        """
        if label in own_rules():
            return False
        return self.everything or owner_pk == self.user_pk or label in self.labels

    def operations(self) -> "QuerySet[LiveOperation]":
        """Return the operations that the user may watch."""
        everybodys = LiveOperation._base_manager.all()
        rule = Q()
        if not self.everything:
            rule = Q(owner=self.user_pk) | Q(operation_type__in=self.labels)
        return everybodys.filter(access.with_own_rules(rule, self.user))


def owner_column() -> str:
    """Return what queries call the name that the owner of an operation logs in with."""
    user_model: Any = get_user_model()
    return f"owner__{user_model.USERNAME_FIELD}"

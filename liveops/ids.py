"""Finding operations by the beginning of their ids, in every database."""

import uuid

from django.db import connections, router
from django.db.models import Q

from liveops.models import LiveOperation

_LENGTH = 32
_GROUPS = ((0, 8), (8, 12), (12, 16), (16, 20), (20, _LENGTH))


def beginning_with(digits: str) -> Q:
    """Return the condition that the id of an operation begins so.

    Args:
        digits: up to 32 hexadecimal digits, without hyphens.
    """
    if connections[router.db_for_read(LiveOperation)].vendor == "mysql":
        # MariaDB orders ids by their last digits, so that no range has those with the same first.
        groups = (digits[start:end] for start, end in _GROUPS)
        return Q(id__istartswith="-".join(group for group in groups if group))
    # An index answers a range; and an id is not text in every database.
    return Q(id__range=tuple(uuid.UUID(digits.ljust(_LENGTH, end)) for end in "0f"))

"""What Django links an operation's class to the class of all operations by, and what it is called.

Each class below ``LiveOperation`` is a table with a link to the row of its parent, and Django gives
the parent an attribute with the name of the class in lower case: ``operation.countdown``. It knows
no apps, so that a second ``Countdown`` in another app would be refused.
"""

from typing import Any

from django.db.models import OneToOneField


class ParentOfMany:
    """Lets classes of several apps have the same name; to be a base of the class of all of them."""

    @classmethod
    def add_to_class(cls, name: str, value: Any) -> None:
        """Add a field: Django calls this for each, for the link to the parent too.

        Of classes with the same name, the first that is loaded has the plain name, as always. The
        name of another one's app goes before it. Migrations do not tell them apart: what the
        parent's side is called is set on the relation alone, and not on the field.
        """
        if _is_link_of(value, cls):
            value.remote_field.related_name = _free_name(cls, value.remote_field.model)
        model: Any = type(cls)
        model.add_to_class(cls, name, value)


def _is_link_of(value: Any, model: Any) -> bool:
    """Return whether this is the link that Django has made for a class with a table."""
    return (
        isinstance(value, OneToOneField)
        and bool(value.remote_field.parent_link and value.auto_created)
        and not model._meta.abstract
    )


def _free_name(model: Any, parent: Any) -> str | None:
    """Return what the parent shall call the class; None for what Django calls it."""
    own = model._meta
    if own.default_related_name:
        return None
    namesakes = (
        models[own.model_name]
        for label, models in own.apps.all_models.items()
        if label != own.app_label and own.model_name in models
    )
    links = [other._meta.parents.get(parent) for other in namesakes]
    is_taken = any(
        link and link.remote_field.get_accessor_name() == own.model_name for link in links
    )
    return f"{own.app_label}_{own.model_name}" if is_taken else None

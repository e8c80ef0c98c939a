"""Operation classes that have a rule of their own for who may watch."""

from dataclasses import dataclass
from typing import Any

from django.apps import apps


@dataclass(frozen=True, slots=True)
class OwnRule:
    """The rule of a class.

    Attributes:
        model: the class.
        is_for_lists: whether it is said by ``visible_to()`` as well.
    """

    model: Any
    is_for_lists: bool


def own_rules() -> dict[str, OwnRule]:
    """Return the rules of those classes, by label.

    A query cannot call ``can_view()``. So a class that overrides it has to say the same by
    ``visible_to()``; as long as it does not, its operations are in no list.
    """
    base = apps.get_model("liveops", "LiveOperation")  # the module of the models imports this one
    found: dict[str, OwnRule] = {}
    for model in apps.get_models():
        if issubclass(model, base) and model is not base:
            one, many = _definer(model, "can_view"), _definer(model, "visible_to")
            if (one, many) != (_definer(base, "can_view"), _definer(base, "visible_to")):
                order = model.__mro__  # what is inherited does not speak for a narrower rule
                is_for_lists = order.index(many) <= order.index(one)
                found[model._meta.label] = OwnRule(model, is_for_lists)
    return found


def without_lists() -> list[Any]:
    """Return the classes whose operations are in no list, as nobody knows who may see them."""
    return [rule.model for rule in own_rules().values() if not rule.is_for_lists]


def _definer(model: Any, name: str) -> Any:
    """Return the class that a class has a method from."""
    return next(each for each in model.__mro__ if name in vars(each))

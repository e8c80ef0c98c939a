"""What a test hands over: what cannot be right is refused with what to write instead."""

from liveops.models import LiveOperation


def require_operation(operation: object, making: str) -> LiveOperation:
    """Return an operation; refuse what is none, its class above all.

    Args:
        operation: what was handed over.
        making: how a class makes one, such as ``.objects.create()``.

    Raises:
        TypeError: it is none.
    """
    if isinstance(operation, LiveOperation):
        return operation
    if isinstance(operation, type):
        name = operation.__name__
        raise TypeError(f"{name} is a class: hand over an operation, such as {name}{making}.")
    raise TypeError(f"An operation has to be handed over, not {operation!r}.")


def require_number(name: str, given: object) -> None:
    """Refuse what cannot be counted to.

    Args:
        name: of the argument.
        given: what was handed over; None for nothing to count to.

    Raises:
        TypeError: it is no whole number.
        ValueError: it is less than 0.
    """
    if given is None:
        return
    if isinstance(given, bool) or not isinstance(given, int):
        raise TypeError(f"{name} has to be a whole number such as 3, not {given!r}.")
    if given < 0:
        raise ValueError(f"{name} has to be 0 or more, not {given}.")

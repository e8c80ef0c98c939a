"""What is compared: the events of a scenario, and how errors look in them."""

from typing import Any, NamedTuple

from tenacity import RetryError


class Event(NamedTuple):
    """One step.

    Attributes:
        what: the method that was called, or what else happened.
        details: arguments and the like, in a form that can be compared.
        stage: the current stage.
        to_run: the stages to run, by alphabet.
        success: ``script_success``; None on an operation, which has none.
    """

    what: str
    details: tuple[Any, ...]
    stage: str
    to_run: tuple[str, ...]
    success: bool | None


class Look(NamedTuple):
    """An error as it looks in a trace: name of its type, and message."""

    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.name}: {self.text}"


def look_of(error: BaseException) -> Look:
    """Return how an error looks.

    The message of one that stands for another is how that one looks: messages of tenacity hold
    addresses, and those of liveops are not compared.
    """
    name = type(error).__name__
    if isinstance(error, RetryError):
        inner = error.last_attempt.exception()
        return Look(name, str(inner and look_of(inner)))
    if name == "StageFailedError":
        return Look(name, str(error.__cause__ and look_of(error.__cause__)))
    return Look(name, str(error))


def difference(one: list[Event], other: list[Event], names: tuple[str, str]) -> str | None:
    """Return where two traces part, with what came before; None if they are the same.

    Args:
        names: what to call the two traces.
    """
    if one == other:
        return None
    position = next(
        (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )
    before = [f"      {event}" for event in one[:position]]
    parted = [
        f"  {name}: {trace[position] if position < len(trace) else 'no more'}"
        for name, trace in zip(names, (one, other), strict=True)
    ]
    return "\n".join([f"the traces part at step {position}:", *before, *parted])

"""A model of the stage machine, drawn from the flow chart of its phases."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from tenacity import Future, RetryError

from liveops.exceptions import OperationCancelled
from liveops.stages import RetryStage, identifier
from liveops.stages.declaration import BEGIN, END, POST, PRE, PREPARE_RETRY, RETRY_ERROR, SKIP

NAMES = ("build", "Run tests", "Save to DB!")
FLIPPED = NAMES[0]
DEEPEST = 2


def retry_error() -> RetryError:
    """Return an error as other uses of tenacity leave it."""
    attempt: Future = Future(1)
    attempt.set_exception(OSError())
    return RetryError(attempt)


ERRORS: dict[str, Callable[[], BaseException]] = {
    "retry": RetryStage,
    "error": ValueError,
    "retry error": retry_error,
    "cancel": OperationCancelled,
    "interrupt": KeyboardInterrupt,
}
KINDS = ("fine", "fine", "retry", "retry", "flip", *ERRORS)


def kind_of(error: BaseException) -> str:
    """Return the word for an error."""
    return next(kind for kind, make in ERRORS.items() if type(error) is type(make()))


@dataclass
class World:
    """What was declared, and what the next calls of each phase and body are to do."""

    tries: dict[str, int] = field(default_factory=dict)
    coroutines: set[str] = field(default_factory=set)
    custom: dict[str, bool] = field(default_factory=dict)  # method: whether it calls the general
    selected: set[str] = field(default_factory=set)
    plans: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    strict_ending: bool = False
    forgiving: bool = False
    events: list[str] = field(default_factory=list)

    def act(self, what: str) -> str:
        """Note an event; return what is to become of it, ``fine`` or an error or a stage."""
        self.events.append(what)
        kind = self.plans[what].pop(0) if self.plans[what] else "fine"
        if kind == "flip":
            self.selected ^= {FLIPPED}
            return "fine"
        return kind


class Model:
    """Walks through the flow chart, one node after the other, on a world of its own."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.depth = 0

    def passage(self, name: str) -> str:
        """Return ``fine`` or the error with which a passage ends."""
        world, form = self.world, identifier(name)
        world.events.append(f"enter {name}")
        node, number, held = "pre", 1, "fine"
        while node != "leave":
            match node:
                case "pre":
                    held = self.phase(PRE, form)
                    node = "attempt" if held == "fine" else "leave"
                case "attempt":
                    world.events.append(f"attempt {number}")
                    held, node = self.attempt(name, form), "attempt over"
                case "attempt over":
                    world.events.append("attempt over")
                    forgiven = held == "retry error" and world.forgiving
                    again = number < world.tries[name]
                    after = {"fine": "post", "retry": "prepare" if again else "handle"}
                    node = "handle" if forgiven else after.get(held, "leave")
                case "prepare":
                    world.events.append("retry")
                    held = self.phase(PREPARE_RETRY, form)
                    forgiven = held == "retry error" and world.forgiving
                    node = {"fine": "wait"}.get(held, "handle" if forgiven else "leave")
                case "wait":
                    world.events.append("wait")
                    number, node = number + 1, "attempt"
                case "handle":
                    world.events.append("exhausted")
                    held = self.phase(RETRY_ERROR, form)
                    node = "post" if held == "fine" else "leave"
                case "post":
                    held, node = self.phase(POST, form), "leave"
        world.events.append(f"leave {name}")
        return held

    def attempt(self, name: str, form: str) -> str:
        """Return how an attempt ends."""
        held = self.phase(BEGIN, form)
        if held != "fine":
            return held
        if name not in self.world.selected:
            held = self.phase(SKIP, form)
            if held != "fine":
                return held
        else:
            held = self.body(name)
            if held in ("cancel", "interrupt") and self.world.strict_ending:
                return held
        end = self.phase(END, form)
        return held if end == "fine" else end

    def body(self, name: str) -> str:
        """Return how a body ends; it may be that of another stage."""
        kind = self.world.act(f"body {name}")
        if kind not in NAMES:
            return kind
        self.depth += 1
        inner = self.passage(kind) if may_enter(self.world, name, kind, self.depth) else "fine"
        self.depth -= 1
        return inner

    def phase(self, phase: str, form: str) -> str:
        """Return how a phase ends: the customised one if there is one, which may go on."""
        custom = f"{phase}_{form}"
        if custom in self.world.custom:
            kind = self.world.act(custom)
            if kind != "fine" or not self.world.custom[custom]:
                return kind
        return self.world.act(phase)


def may_enter(world: World, outer: str, inner: str, depth: int) -> bool:
    """Return whether the body of a stage calls another: not too deep, and no coroutine in vain."""
    fits = inner not in world.coroutines or outer in world.coroutines
    return depth <= DEEPEST and inner in world.tries and fits

"""Random scenarios; the same seed always gives the same one."""

from dataclasses import replace
from random import Random

from tests.conformance.scenario import (
    ERRORS,
    LONG,
    PHASES,
    POST,
    PRE,
    PREPARE_RETRY,
    RETRIES,
    RETRY_ERROR,
    SIGNALS,
    SKIP,
    Act,
    Below,
    Call,
    Method,
    Place,
    Scenario,
    Staged,
    Style,
)

NAMES = ("build", "test", "testing", "a", "deploy", "clean")
"""One name begins with another one, since customised methods are told apart by their ends."""

_CALLING = (Style.CALLS_FIRST, Style.CALLS_LAST)
_IN_CLASSES = (Place.CLASS, Place.MIXIN)
KINDS = (
    *(Method("", None, Style.ALONE, place=place) for place in Place),
    *(Method("", "", Style.ALONE, place=place) for place in Place),
    *(
        Method("", stage, style, Below.PARENT, place)
        for stage in (None, "")
        for style in _CALLING
        for place in _IN_CLASSES
    ),
    *(Method("", "", style, Below.GENERAL, place) for style in _CALLING for place in Place),
)
"""All kinds of methods, ``stage`` standing for any: one of an instance has no ``super()``, and one
for all stages no other one to call on ``self``."""

_NOTHING = Method("", "", Style.NONE)

_AIMS = tuple((error, phase) for phase in (None, *PHASES) for error in ERRORS)
"""Each error in the body, and in each phase."""

_OTHER = tuple(name for name in ERRORS if name not in RETRIES and name not in SIGNALS)


def scenario_of(seed: int) -> Scenario:
    """Return the scenario of a seed."""
    random = Random(seed)  # noqa: S311  (a scenario has to come again)
    names = random.sample(NAMES, random.choices((1, 2, 3), (3, 4, 3))[0])
    stages = tuple(_stage(random, name, names) for name in names)
    to_run = tuple(name for name in names if random.random() < 0.75)
    calls = [_call(random, name) for name in names]
    calls += [_call(random, random.choice(names)) for _ in range(random.randint(0, 2))]
    random.shuffle(calls)
    scenario = Scenario(seed, stages, to_run, _methods(random, names), tuple(calls))
    return _aimed(random, scenario, *_AIMS[seed // 2 % len(_AIMS)]) if seed % 2 else scenario


def _aimed(random: Random, scenario: Scenario, error: str, phase: str | None) -> Scenario:
    """Return a scenario whose first call comes to an error where it is wanted, if it can.

    Args:
        phase: which one shall raise it; None for the body.
    """
    name = scenario.calls[0].stage
    selected = {*scenario.to_run, name} if phase != SKIP else {*scenario.to_run} - {name}
    aim = scenario.stage(name)
    methods = scenario.methods
    if phase is None:
        before = random.randint(0, aim.attempts)
        aim = replace(aim, acts=(*[Act(error="RetryStage")] * before, Act(error=error)))
    else:
        if phase in (PREPARE_RETRY, RETRY_ERROR):
            attempts, acts = random.randint(1, 2), (Act(error="RetryStage"),)
            aim = replace(aim, attempts=attempts, timeout=LONG, acts=acts * 4)
        raising = replace(random.choice(KINDS), phase=phase, acts=(Act(error=error),))
        raising = replace(raising, stage=None if raising.stage is None else name)
        # A method for this stage would hide the one for all.
        hiding = [(phase, name), (phase, raising.stage)]
        methods = (*(m for m in methods if (m.phase, m.stage) not in hiding), raising)
    return replace(
        scenario,
        stages=tuple(aim if stage.name == name else stage for stage in scenario.stages),
        to_run=tuple(stage.name for stage in scenario.stages if stage.name in selected),
        methods=methods,
    )


def _stage(random: Random, name: str, names: list[str]) -> Staged:
    attempts = random.choices((0, 1, 2, 3), (3, 3, 3, 2))[0]
    return Staged(
        name,
        heading=f"Heading of {name}",
        method=random.choice((f"do_{name}", f"{name}_body")),
        attempts=attempts,
        delay=random.choices((0, 0.001), (5, 1))[0],
        timeout=random.choices((LONG, 0), (9, 1))[0],
        acts=_body(random, names, attempts),
        place=random.choices((Place.CLASS, Place.MIXIN), (3, 1))[0],
        limits_as_attributes=random.random() < 0.3,
        continue_on_failure=random.random() < 0.5,
    )


def _body(random: Random, names: list[str], attempts: int) -> tuple[Act, ...]:
    """Return what a body does; often it asks for as many retries as there are, or one more."""
    kind = random.choices(("succeeds", "retries", "fails", "both"), (3, 7, 2, 2))[0]
    acts = []
    if kind in ("retries", "both"):
        for _ in range(random.randint(1, attempts + 1)):
            name = "RetryStage" if random.random() < 0.8 else "TryAgain"
            acts.append(_act(random, names, name))
    if kind in ("fails", "both"):
        acts.append(_act(random, names, _error(random)))
    return tuple(acts)


def _error(random: Random) -> str:
    kinds = (_OTHER, RETRIES, SIGNALS)
    return random.choice(random.choices(kinds, (6, 4, 2))[0])


def _act(random: Random, names: list[str], error: str | None = None) -> Act:
    act = Act(error=error)
    if random.random() < 0.1:
        act = replace(act, only=tuple(name for name in names if random.random() < 0.6))
    if random.random() < 0.1:
        act = replace(act, attempts=random.randint(0, 3))
    if random.random() < 0.1:
        act = replace(act, success=random.random() < 0.5)
    return act


def _methods(random: Random, names: list[str]) -> tuple[Method, ...]:
    methods = []
    for phase in PHASES:
        if random.random() < 0.4:
            kind = random.choice([kind for kind in KINDS if kind.stage is None])
            methods.append(_acting(random, names, replace(kind, phase=phase)))
        for name in names:
            if random.random() < 0.3:
                kind = random.choice(
                    [*(kind for kind in KINDS if kind.stage is not None), _NOTHING]
                )
                methods.append(_acting(random, names, replace(kind, phase=phase, stage=name)))
    return tuple(methods)


def _acting(random: Random, names: list[str], method: Method) -> Method:
    # Phases that come once in a passage may fail more often without hiding the rest.
    chance = 0.12 if method.phase in (PRE, POST, RETRY_ERROR) else 0.08
    acts = []
    for _ in range(random.randint(0, 3)):
        error = _error(random) if random.random() < chance else None
        acts.append(_act(random, names, error))
    return replace(method, acts=tuple(acts))


def _call(random: Random, name: str) -> Call:
    args = tuple(random.choice((1, "x", None, (2, 3))) for _ in range(random.randint(0, 2)))
    kwargs = {"flag": random.random() < 0.5} if random.random() < 0.4 else {}
    return Call(name, args, kwargs, caught=random.random() < 0.6)

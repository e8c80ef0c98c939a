"""What is to be expected of a scenario, found by walking the flow chart with a pencil.

It knows nothing of the code that is tested, nor of tenacity: it runs no method, it only reads the
scenario.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.conformance.chart import BODY, ENTRY, EXHAUSTED, EXIT, LEFT, RETRY, TO_RUN, question
from tests.conformance.chart import custom as own_node
from tests.conformance.expectation import Expected, Rules
from tests.conformance.scenario import (
    BEGIN,
    END,
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
from tests.conformance.trace import Event, Look

_INTERRUPTING = ("KeyboardInterrupt", "SystemExit")


class Raised(Exception):
    """An error on its way; ``foreign`` is a RetryError that user code raised."""

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        self.look = look
        self.retries = look.name in RETRIES
        self.signals = look.name in SIGNALS
        self.foreign = look.name == "RetryError"


def expected(scenario: Scenario, rules: Rules) -> Expected:
    """Return what is expected of a scenario under the rules of a system."""
    return _Walk(scenario, rules).to_the_end()


class _Walk:
    """One walk through a scenario."""

    def __init__(self, scenario: Scenario, rules: Rules) -> None:
        self._scenario = scenario
        self._rules = rules
        self._seen = Expected()
        self._calls: Counter[str] = Counter()
        self._current = ""
        self._to_run = scenario.to_run
        self._success: bool | None = None if rules.fails_when_exhausted else True
        self._attempts = {stage.name: stage.attempts for stage in scenario.stages}
        self._node = ENTRY

    def to_the_end(self) -> Expected:
        """Make all calls of the scenario, until one is left by an error that nobody catches."""
        for call in self._scenario.calls:
            try:
                value = self._through(call)
            except Raised as error:
                self._note("left", error.look)
                if error.signals or not call.caught:
                    self._seen.left = error.look
                    break
            else:
                self._note("returned", value if self._rules.returns_value else None)
        self._seen.success = self._success
        return self._seen

    # One stage.

    def _through(self, call: Call) -> Any:
        stage = self._scenario.stage(call.stage)
        self._current, self._node = stage.name, ENTRY
        self._number = self._counted = 1
        self._skipped = self._recorded = False
        failure: Look | None = None
        try:
            value, failure = self._phases(stage, call)
        except Raised as error:
            self._go(LEFT)
            self._leave("interrupted" if error.look.name in _INTERRUPTING else "failed")
            raise
        self._go(EXIT)
        self._leave("failed" if failure else "skipped" if self._skipped else "done")
        if failure and self._rules.fails_when_exhausted and not stage.continue_on_failure:
            self._differ()
            raise Raised(Look("StageFailedError", str(failure)))
        return value

    def _leave(self, outcome: str) -> None:
        self._seen.states[self._current] = outcome
        if not self._recorded:
            self._seen.attempts.append((self._current, self._number, outcome))

    def _phases(self, stage: Staged, call: Call) -> tuple[Any, Look | None]:
        """Go through all phases; return the value, and the last failure of an exhausted stage."""
        value, failure = None, None
        self._phase(PRE, stage)
        try:
            value, failure = self._loop(stage, call)
        except Raised as error:
            if not error.foreign:
                raise
            if not self._rules.forgives_retry_errors:
                self._differ()
                raise
            failure = error.look
        if failure:
            if self._rules.handler_means_failure:
                self._success = False
            self._phase(RETRY_ERROR, stage, *self._statistics(stage))
        self._phase(POST, stage)
        return value, failure

    def _loop(self, stage: Staged, call: Call) -> tuple[Any, Look | None]:
        most = self._attempts[stage.name] + 1
        while True:
            try:
                value = self._attempt(stage, call)
            except Raised as error:
                self._go(RETRY)
                if not error.retries:
                    raise
                if stage.timeout == 0 or self._number >= most:
                    self._go(EXHAUSTED)
                    return None, error.look
                self._prepare(stage, call, error.look)
            else:
                self._go(RETRY)
                self._go(EXHAUSTED)
                return value, None

    def _attempt(self, stage: Staged, call: Call) -> Any:
        self._phase(BEGIN, stage, stage.heading)
        self._go(TO_RUN)
        self._skipped = stage.name not in self._to_run
        if self._skipped:
            self._phase(SKIP, stage)
            self._phase(END, stage)
            return None
        self._go(BODY)
        try:
            self._note(f"body of {stage.name}", call.args, call.kwargs)
            number = self._act(f"body of {stage.name}", stage.acts, BODY)
        except Raised as error:
            if error.signals and not self._rules.ends_after_signals:
                raise
            if error.signals:
                self._differ()
            self._phase(END, stage)
            raise
        self._phase(END, stage)
        return f"{stage.name} {number}"

    def _prepare(self, stage: Staged, call: Call, failure: Look) -> None:
        self._seen.attempts.append((stage.name, self._number, "failed"))
        self._recorded = True
        self._counted += 1  # tenacity counts the next attempt before it is prepared
        idle = round(stage.delay * self._number, 6)
        state = (self._number, failure, stage.delay, idle, call.args, call.kwargs)
        self._phase(PREPARE_RETRY, stage, *state, self._counted)
        self._number, self._recorded = self._counted, False
        if stage.delay and self._rules.prints:
            self._note("waited", stage.delay)

    def _statistics(self, stage: Staged) -> tuple[int, float]:
        return self._counted, round(stage.delay * (self._counted - 1), 6)

    # One phase.

    def _phase(self, phase: str, stage: Staged, *args: Any) -> None:
        self._go(question(phase))
        own = self._scenario.custom(phase, stage.name)
        if own is not None and own.style is not Style.NONE:
            self._go(own_node(phase))
            self._call(own, args)
        else:
            self._go(phase)
            self._general(phase, args)

    def _general(self, phase: str, args: tuple[Any, ...]) -> None:
        method = self._scenario.general(phase)
        if method is not None:
            self._call(method, args)
        else:
            self._default(phase, args)

    def _call(self, method: Method, args: tuple[Any, ...]) -> None:
        self._seen.called[method] += 1
        self._note(method.name, *args)
        below = self._below(method)
        if method.style is Style.CALLS_FIRST:
            below(method.phase, args)
        self._act(method.name, method.acts, method.phase)
        if method.style is Style.CALLS_LAST:
            below(method.phase, args)

    def _below(self, method: Method) -> Callable[[str, tuple[Any, ...]], None]:
        if method.below is Below.GENERAL:
            return self._general
        general = self._scenario.general(method.phase)
        in_mixin = general is not None and general.place is Place.MIXIN
        below_class = method.stage is not None and method.place is Place.CLASS
        return self._general if in_mixin and below_class else self._default

    def _default(self, phase: str, args: tuple[Any, ...]) -> None:
        self._note(f"default {phase}", *args)
        if phase == END:
            self._seen.durations.append(self._current)
        if self._rules.prints and (phase != RETRY_ERROR or self._attempts[self._current]):
            self._note(f"said by {phase}", True)

    def _act(self, name: str, acts: tuple[Act, ...], where: str) -> int:
        self._calls[name] += 1
        number = self._calls[name]
        act = acts[number - 1] if number <= len(acts) else Act()
        if act.only is not None:
            self._to_run = act.only
        if act.attempts is not None:
            self._attempts[self._current] = act.attempts
        if act.success is not None and self._success is not None:
            self._success = act.success
        if act.error is not None:
            self._seen.raised[act.error, where] += 1
            raise Raised(_look(act.error, f"{name} {number}"))
        return number

    # What is written down.

    def _differ(self) -> None:
        if self._seen.differs_at is None:
            self._seen.differs_at = len(self._seen.trace)

    def _note(self, what: str, *details: Any) -> None:
        to_run = tuple(sorted(self._to_run))
        self._seen.trace.append(Event(what, details, self._current, to_run, self._success))

    def _go(self, node: str) -> None:
        self._seen.edges[self._node, node] += 1
        self._node = node


def _look(error: str, text: str) -> Look:
    return Look(error, f"ValueError: {text}" if error == "RetryError" else text)

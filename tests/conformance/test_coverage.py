"""The 500 scenarios are worth something: together they leave out nothing."""

from collections import Counter
from functools import cache

from tests.conformance.blocks import SCENARIOS
from tests.conformance.chart import BODY, CHART, FORGIVEN, SIGNALS, Edge
from tests.conformance.chart import ERRORS as ERROR_EDGES
from tests.conformance.expectation import OPERATION, REAL, Expected, Rules
from tests.conformance.generator import KINDS, scenario_of
from tests.conformance.oracle import expected
from tests.conformance.scenario import ERRORS, PHASES, Method, Style

ALL = [scenario_of(seed) for seed in range(SCENARIOS)]


@cache
def everything(rules: Rules) -> list[Expected]:
    return [expected(scenario, rules) for scenario in ALL]


def taken(rules: Rules) -> Counter[Edge]:
    return sum((expectation.edges for expectation in everything(rules)), Counter())


def table(edges: Counter[Edge]) -> str:
    return "\n".join(f"{times:6} {one} -> {other}" for (one, other), times in sorted(edges.items()))


def test_a_seed_always_gives_the_same_scenario() -> None:
    assert [scenario_of(seed) for seed in range(20)] == ALL[:20]
    assert len(set(map(str, ALL))) == SCENARIOS


def test_scripts_take_every_edge_of_the_flow_chart_and_no_other() -> None:
    edges = taken(REAL)
    assert set(edges) == CHART | ERROR_EDGES | SIGNALS | FORGIVEN, table(edges)


def test_operations_take_every_edge_of_the_flow_chart_and_no_other() -> None:
    edges = taken(OPERATION)
    assert set(edges) == CHART | ERROR_EDGES, table(edges)


def test_each_error_is_raised_in_the_body_and_in_each_phase() -> None:
    raised = sum((expectation.raised for expectation in everything(REAL)), Counter())
    assert set(raised) == {(error, where) for where in (BODY, *PHASES) for error in ERRORS}


def test_each_phase_is_carried_out_by_each_kind_of_method() -> None:
    called = sum((expectation.called for expectation in everything(REAL)), Counter())
    kinds = {Method(m.phase, m.stage and "", m.style, m.below, m.place) for m in called}
    assert kinds == {
        Method(phase, kind.stage, kind.style, kind.below, kind.place)
        for phase in PHASES
        for kind in KINDS
    }
    nothing = {m.phase for scenario in ALL for m in scenario.methods if m.style is Style.NONE}
    assert nothing == set(PHASES), "an attribute that is None customises nothing"


def test_attempts_states_and_ends_of_all_kinds_come_up() -> None:
    ends, states, most = Counter[str](), Counter[str](), Counter[int]()
    for expectation in everything(OPERATION):
        ends[expectation.left.name if expectation.left else "no error"] += 1
        states.update(expectation.states.values())
        most[max(number for _, number, _ in expectation.attempts)] += 1
    assert set(ends) == {"no error", "StageFailedError", *ERRORS}
    assert set(states) == {"done", "failed", "skipped", "interrupted"}
    assert set(most) == {1, 2, 3, 4}
    assert min(ends["no error"], states["done"], states["skipped"], most[2], most[3]) >= 50


def test_most_operations_do_as_staged_script_does_to_the_end() -> None:
    same = [expectation for expectation in everything(OPERATION) if expectation.differs_at is None]
    assert len(same) > SCENARIOS / 2

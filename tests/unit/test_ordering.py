"""The order of the suite's files, which a parallel run keeps, too."""

import pytest

from tests.ordering import ACCEPTANCE, ROOT, in_turn


def test_a_parallel_run_keeps_the_order(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.option.loadscopereorder is False


def test_acceptance_comes_last_and_who_waits_stands_beside_who_computes() -> None:
    unit, live = ROOT / "unit/test_a.py", ACCEPTANCE / "live/test_b.py"
    survival, chaos = ACCEPTANCE / "survival/test_a.py", ACCEPTANCE / "survival/test_chaos.py"
    other = ACCEPTANCE / "live/test_c.py"
    assert list(in_turn([other, survival, unit, chaos, live])) == [
        unit,
        chaos,
        live,
        survival,
        other,
    ]

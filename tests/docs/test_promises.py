"""The promises of the security page and the tests that hold them: neither without the other."""

from tests.docs.marked import marked, rows


def test_every_promise_has_its_test_and_every_test_its_promise() -> None:
    """Compare the ids of the tables with the markers of the tests that they name."""
    promised, held = rows("explanation/security.md"), marked("promise")
    assert sorted(promised) == sorted(held)
    assert {name for name, test in promised.items() if test not in held[name]} == set()

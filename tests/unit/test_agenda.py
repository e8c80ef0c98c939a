"""Who is due when, of many."""

from hypothesis import given
from hypothesis import strategies as st

from liveops.progress.agenda import Agenda

NEVER = float("inf")


def test_what_is_due_is_taken_once_and_the_earliest_first() -> None:
    agenda: Agenda[str] = Agenda()
    for key, moment in (("late", 3.0), ("soon", 1.0), ("next", 2.0)):
        agenda.put(key, moment)
    assert list(agenda.take(0.5)) == []
    assert list(agenda.take(2.0)) == ["soon", "next"]
    assert list(agenda.take(2.0)) == []
    assert agenda.next_at == 3.0


def test_a_moment_may_be_moved_and_taken_back() -> None:
    agenda: Agenda[str] = Agenda()
    agenda.put("moved", 1.0)
    agenda.put("moved", 5.0)
    agenda.put("dropped", 1.0)
    agenda.put("dropped", NEVER)
    assert list(agenda.take(4.0)) == []
    assert agenda.next_at == 5.0
    agenda.put("moved", 2.0)
    assert list(agenda.take(4.0)) == ["moved"]
    assert list(agenda.take(9.0)) == [], "it was moved, not given a second moment"
    assert agenda.next_at == NEVER


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.floats(0.0, 100.0) | st.just(NEVER)) | st.floats(0.0, 100.0)
    )
)
def test_it_finds_what_a_look_at_everything_finds(events: list[tuple[int, float] | float]) -> None:
    agenda: Agenda[int] = Agenda()
    moments: dict[int, float] = {}
    for event in events:
        if isinstance(event, tuple):
            agenda.put(*event)
            moments[event[0]] = event[1]
        else:
            due = {key for key, moment in moments.items() if moment <= event}
            assert set(agenda.take(event)) == due
            for key in due:
                del moments[key]
        assert agenda.next_at <= min(moments.values(), default=NEVER)

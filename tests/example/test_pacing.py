"""Slowing a loop down, under a clock that only moves when somebody sleeps or works."""

import pytest

from airports.pacing import SLICE, Pacer


class Clock:
    """A clock to set, and a sleep that sets it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.sleeps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.sleeps.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.mark.parametrize("rate", [3, 50, 4_000])
def test_the_rate_is_kept(clock: Clock, rate: int) -> None:
    pacer = Pacer(rate, clock=clock, sleep=clock.sleep)
    for _ in range(rate * 10):
        pacer.step()
    assert clock.now - 100 == pytest.approx(10, abs=0.02)


def test_batches_count_for_as_many_as_they_hold(clock: Clock) -> None:
    pacer = Pacer(1_000, clock=clock, sleep=clock.sleep)
    for _ in range(4):
        pacer.step(500)
    assert clock.now - 100 == pytest.approx(2, abs=0.02)


def test_full_speed_never_sleeps(clock: Clock) -> None:
    pacer = Pacer(0, clock=clock, sleep=clock.sleep)
    for _ in range(1_000):
        pacer.step()
    assert clock.sleeps == []


def test_no_sleep_is_longer_than_a_slice_or_too_short_to_be_kept(clock: Clock) -> None:
    pacer = Pacer(4_000, clock=clock, sleep=clock.sleep)
    for _ in range(20_000):
        pacer.step()
    pacer.step(4_000)
    assert max(clock.sleeps) <= SLICE
    assert len(clock.sleeps) < 600


def test_a_slow_loop_does_not_wait_nor_run_ahead_later(clock: Clock) -> None:
    pacer = Pacer(10, clock=clock, sleep=clock.sleep)
    for _ in range(5):
        pacer.step()
        clock.now += 60
    clock.sleeps.clear()
    before = clock.now
    for _ in range(50):
        pacer.step()
    assert clock.now - before == pytest.approx(5, abs=0.2)


def test_a_cancel_ends_the_wait_within_a_slice(clock: Clock) -> None:
    def check() -> None:
        if clock.now >= 101:
            raise KeyboardInterrupt

    pacer = Pacer(1, between=check, clock=clock, sleep=clock.sleep)
    with pytest.raises(KeyboardInterrupt):
        pacer.step(3_600)
    assert clock.now == pytest.approx(101, abs=SLICE)

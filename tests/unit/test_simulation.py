"""The simulation agrees with what can be worked out by hand, and with its limits."""

import math
from dataclasses import replace

import pytest

from tests.benchmarks.simulate import (
    HIGHEST_USE,
    Costs,
    Load,
    costs_from,
    most_operations,
    plan,
    reached_servers,
    server_work,
    table,
    waiting_md1,
    waiting_mmc,
)

ROUND = Costs(
    render=0.001,
    save=0.01,
    receive=0.0001,
    deliver=0.0001,
    publish=0.00001,
    forward=0.00001,
    writes_a_second=1_000,
    saves_a_second=1,
    watcher_bytes=1_000,
    process_bytes=1_000_000,
    database_connections=1,
)


def test_a_queue_with_a_fixed_service_time_waits_half_of_what_a_random_one_does() -> None:
    assert waiting_md1(0.5, 2.0) == pytest.approx(1.0)
    assert waiting_md1(0.8, 1.0) == pytest.approx(2.0)
    assert waiting_mmc(0.5, 1.0, 1) == pytest.approx(2 * waiting_md1(0.5, 1.0))


def test_two_servers_wait_as_the_book_says() -> None:
    # Offered 1 to 2 servers: Erlang C is 1/3, and the mean wait a third of the service.
    assert waiting_mmc(1.0, 1.0, 2) == pytest.approx(1 / 3)
    # Offered 2 to 3 servers: Erlang C is 4/9.
    assert waiting_mmc(2.0, 1.0, 3) == pytest.approx(4 / 9)


def test_a_queue_waits_for_nothing_when_empty_and_for_ever_when_full() -> None:
    assert (waiting_md1(0.0, 1.0), waiting_mmc(0.0, 1.0, 4)) == (0.0, 0.0)
    assert (waiting_md1(1.0, 1.0), waiting_mmc(4.0, 1.0, 4)) == (math.inf, math.inf)
    assert 0 < waiting_mmc(5_000, 0.1, 1_000) < 1e-6, "a large pool overflows nothing"


def test_watchers_reach_every_process_when_there_are_many_and_one_each_when_few() -> None:
    assert reached_servers(Load(1, 1_000_000), 10) == pytest.approx(10)
    assert reached_servers(Load(1_000, 1_000), 1_000_000) == pytest.approx(1, rel=1e-3)
    assert reached_servers(Load(1_000, 0), 5) == 0
    assert reached_servers(Load(0, 10), 5) == 0


def test_the_work_of_one_process_is_what_it_takes_and_what_it_hands_on() -> None:
    # 10 frames a second are taken once and handed to 100 sockets: 0.001 s and 0.1 s.
    assert server_work(Load(1, 100), ROUND, 1) == pytest.approx(0.101)


def test_a_plan_by_hand() -> None:
    found = plan(Load(1, 1_000), ROUND)
    # 10,000 deliveries of 0.1 ms are one second of work: two processes, each half busy.
    assert (found.servers, found.workers) == (2, 1)
    assert found.redis_messages == pytest.approx(30)
    assert found.redis_use == pytest.approx(0.0003)
    assert found.database_writes == 1
    assert found.database_use == pytest.approx(0.001)
    # Each takes 10 frames a second and hands each to 500 sockets: 50.1 ms, busy for 0.501.
    assert found.wait == pytest.approx(0.501 * 0.0501 / (2 * 0.499))
    assert found.full == ()


def test_no_process_is_busier_than_planned_and_one_less_would_be() -> None:
    costs = replace(ROUND, process_bytes=1e12)
    for load in (Load(100, 5_000), Load(1_000, 20_000, 2.0), Load(10, 90)):
        found = plan(load, costs)
        assert server_work(load, costs, found.servers) <= HIGHEST_USE
        fewer = found.servers - 1
        assert not fewer or server_work(load, costs, fewer) > HIGHEST_USE


def test_memory_may_ask_for_more_processes_than_the_work_does() -> None:
    quiet = Load(1, 10_000, 0.001)
    assert plan(quiet, ROUND).servers == 10
    assert plan(quiet, replace(ROUND, process_bytes=1e9)).servers == 1


def test_nothing_takes_nothing() -> None:
    found = plan(Load(0, 0), ROUND)
    assert (found.servers, found.workers, found.redis_messages, found.wait) == (0, 0, 0, 0)
    assert plan(Load(5, 0), ROUND).servers == 0


def test_the_database_is_full_where_its_writes_are() -> None:
    assert most_operations("database", Load(1, 0), ROUND) == 600
    assert plan(Load(601, 0), ROUND).full == ("database",)
    # Ten frames a second that cost Redis 0.01 ms each, and are handed to nobody.
    assert most_operations("Redis", Load(1, 0), ROUND) == pytest.approx(6_000, abs=1)


def test_twice_the_load_takes_about_twice_the_processes() -> None:
    one, two = plan(Load(10_000, 100_000)), plan(Load(20_000, 200_000))
    assert two.workers == pytest.approx(2 * one.workers, rel=0.01)
    assert two.servers == pytest.approx(2 * one.servers, rel=0.01)


def test_measured_costs_take_the_place_of_the_defaults() -> None:
    rows = [
        {"group": "fanout", "name": "300 watchers, daphne, CPU", "value": 40.0},
        {"group": "calls", "name": "percent() a call", "value": 90.0},
    ]
    found = costs_from(rows)
    assert found.deliver == pytest.approx(0.00004)
    assert replace(found, deliver=Costs().deliver) == Costs()
    assert costs_from([], ROUND) is not ROUND
    assert costs_from([], ROUND) == ROUND


def test_the_table_has_a_row_for_each_load() -> None:
    lines = table([Load(1, 1), Load(100_000, 1_000_000)], ROUND).splitlines()
    assert len(lines) == 4
    assert {line.count("|") for line in lines} == {12}
    assert lines[-1].endswith("| Redis, database |")

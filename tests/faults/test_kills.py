"""kill -9 of ingest, at any instant, of one of two shards, and with another one standing by."""

import time
from random import Random

from tests.faults.conftest import Straight
from tests.faults.market import Kill, Market
from tests.faults.recorded import SMALL, Tick, batches

KILLS = 6
LONGEST_DELAY = 0.1  # in more, ingest might come to the end


def assert_they_hit(kills: list[Kill], straight: Straight) -> None:
    """Every kill interrupted something: batches were taken and rows were missing."""
    final, _ = straight.checksums["bar"]
    for kill in kills:
        print(f"kill -9 of shard {kill.shard}: {kill.pending} batches taken, {kill.bars} of {final} bars committed")
        assert kill.pending > 0
        assert kill.bars < final


def test_an_ingest_killed_at_random_instants_ends_in_the_same_rows(
    market: Market, straight: Straight, ticks: list[Tick], random: Random
) -> None:
    feeder = market.feed(list(batches(ticks, size=SMALL)))
    kills: list[Kill] = []
    for instant in feeder.instants(random, KILLS):
        child = market.start_ingest()
        market.wait_until_it_works(child)
        feeder.wait_for(instant)
        time.sleep(random.uniform(0, LONGEST_DELAY))
        kills.append(market.kill_at_work(child))
        if len(kills) == KILLS // 2:
            market.roll_up()  # of days of which the rest comes after the kill
    market.wait_until_it_works(market.start_ingest())
    straight.is_repeated_by(market)
    assert_they_hit(kills, straight)


def test_one_of_two_shards_killed_at_random_instants_ends_in_the_same_rows(
    market: Market, straight: Straight, ticks: list[Tick], random: Random
) -> None:
    feeder = market.feed(list(batches(ticks, size=SMALL, shards=2)))
    assert feeder.shards == {0, 1}
    working = {shard: market.start_ingest(shard) for shard in (0, 1)}
    for shard, child in working.items():
        market.wait_until_it_works(child, shard)
    victim = random.choice((0, 1))
    kills: list[Kill] = []
    for instant in feeder.instants(random, 2):
        feeder.wait_for(instant)
        time.sleep(random.uniform(0, LONGEST_DELAY))
        kills.append(market.kill_at_work(working[victim], victim))
        working[victim] = market.start_ingest(victim)
        market.wait_until_it_works(working[victim], victim)
    straight.is_repeated_by(market)
    assert_they_hit(kills, straight)


def test_a_second_ingest_of_a_shard_waits_and_takes_over_from_a_killed_one(
    market: Market, straight: Straight, ticks: list[Tick], random: Random
) -> None:
    first = market.start_ingest()
    market.wait_until_it_works(first)
    second = market.start_ingest()
    feeder = market.feed(list(batches(ticks, size=SMALL)))
    [instant] = feeder.instants(random, 1)
    feeder.wait_for(instant)
    kill = market.kill_at_work(first)
    market.wait_until_it_works(second)
    straight.is_repeated_by(market)
    assert_they_hit([kill], straight)

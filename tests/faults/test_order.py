"""The recorded days in other orders, and more than once."""

from random import Random

from tests.faults.conftest import Straight
from tests.faults.market import Market
from tests.faults.recorded import DAYS, LARGE, SMALL, Tick, batches, late, shuffled


def test_the_straight_run_fills_every_table_and_leaves_nothing_to_roll_up(straight: Straight) -> None:
    counts = {table: count for table, (count, _) in straight.checksums.items()}
    assert counts.pop("rollup_due") == 0
    assert all(counts.values()), counts
    assert counts["fo_analytics_barcoverage"] == 3 * len(DAYS)
    assert counts["bar"] > 20_000


def test_days_replayed_twice_end_in_the_same_rows(market: Market, straight: Straight, ticks: list[Tick]) -> None:
    market.wait_until_it_works(market.start_ingest())
    market.feed([*batches(ticks, size=LARGE), *batches(ticks, size=LARGE)])
    straight.is_repeated_by(market)


def test_ticks_shuffled_within_each_minute_end_in_the_same_rows(
    market: Market, straight: Straight, ticks: list[Tick], random: Random
) -> None:
    mixed = shuffled(ticks, random)
    assert mixed != ticks
    market.wait_until_it_works(market.start_ingest())
    market.feed(list(batches(mixed, size=SMALL)))
    straight.is_repeated_by(market)


def test_ticks_five_minutes_late_end_in_the_same_rows(
    market: Market, straight: Straight, ticks: list[Tick], random: Random
) -> None:
    delayed = late(ticks, random)
    newest = 0
    overtaken = 0
    for tick in delayed:
        newest = max(newest, tick.ts)
        overtaken += newest > tick.ts
    assert overtaken > len(ticks) // 100
    market.wait_until_it_works(market.start_ingest())
    market.feed(list(batches(delayed, size=SMALL)))
    straight.is_repeated_by(market)

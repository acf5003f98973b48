"""Redis and PostgreSQL taken away while one ingest works, and given back."""

import time
from random import Random

from tests.faults.conftest import Straight
from tests.faults.feeder import PATIENCE_SECONDS
from tests.faults.market import Market
from tests.faults.recorded import SMALL, Tick, batches
from tradingviz.quickstart.processes import wait_until

OUTAGES = 4
LONGEST_DELAY = 0.1  # in more, ingest might come to the end
LONGEST_OUTAGE = 1.5
HALF_A_SESSION_MS = 3 * 3_600_000


def test_crashes_of_redis_and_postgresql_at_random_instants_end_in_the_same_rows(
    market: Market, straight: Straight, ticks: list[Tick], random: Random
) -> None:
    child = market.start_ingest()
    market.wait_until_it_works(child)
    feeder = market.feed(list(batches(ticks, size=SMALL)))
    final, _ = straight.checksums["bar"]
    for number, instant in enumerate(feeder.instants(random, OUTAGES)):
        feeder.wait_for(instant)
        time.sleep(random.uniform(0, LONGEST_DELAY))
        server = ("redis", "postgres")[number % 2]
        waiting, bars = market.backlog(), market.committed_bars()
        print(f"{server} crashes: {waiting} batches on the stream, {bars} of {final} bars committed")
        assert waiting > 0
        assert bars < final
        with market.without(server):
            time.sleep(random.uniform(0, LONGEST_OUTAGE))
    straight.is_repeated_by(market)
    assert market.ingests == [child], "one process lived through it all"


def test_a_session_that_goes_on_while_postgresql_is_away_ends_in_the_same_rows(
    market: Market, straight: Straight, ticks: list[Tick]
) -> None:
    """A restarted ingest has nothing in memory yet: without the database it can only wait, and lose nothing."""
    half = sum(tick.ts - ticks[0].ts < HALF_A_SESSION_MS for tick in ticks)
    market.wait_until_it_works(market.start_ingest())
    market.feed(list(batches(ticks[:half], size=SMALL)))
    market.wait_until_taken()
    market.end_ingests()
    market.wait_until_it_works(market.start_ingest())
    with market.without("postgres"):
        market.feed(list(batches(ticks[half:], size=SMALL)))
        assert wait_until(lambda: "ingest waits" in market.told(), seconds=PATIENCE_SECONDS), market.told()
        time.sleep(1.0)
        assert market.backlog() > 0, "what came meanwhile stays on the stream"
    straight.is_repeated_by(market)

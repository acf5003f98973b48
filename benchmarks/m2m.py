"""How long one pass takes: `make bench-m2m`.

10,000 active strategies of four legs each, valued in every second of a minute, their candles stored; durable. Marks of
that minute are in Redis, as ingest leaves them. Beside it, on the same rows: a worker that asks for one strategy after
another, as the earlier design had it, and the limit: the statement that stores the pass's candles, alone.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np

from benchmarks.rig import machine, servers, versions

TARGET_MS, MOST_QUERIES = 500.0, 6
LEGS, CONTRACTS, SECONDS = 4, 800, 60
DAY, EXPIRY = date(2026, 8, 4), date(2026, 8, 11)


def main() -> None:
    """Make strategies and marks, pass over them, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strategies", type=int, default=10_000)
    parser.add_argument("--passes", type=int, default=30)
    arguments = parser.parse_args()
    with servers():
        from benchmarks.peers import m2m_worker

        print(machine(), versions("numpy", "psycopg", "redis"), sep="\n")
        instruments, minute = listed_contracts(), next_minute()
        make_strategies(arguments.strategies, instruments, minute)
        passes = [one_pass(instruments, minute + 60 * at, arguments.strategies) for at in range(arguments.passes)]
        queries = count_queries(lambda: one_pass(instruments, minute + 60 * arguments.passes, arguments.strategies))
        again = [again_pass(instruments, minute, arguments.strategies) for _ in range(arguments.passes)]
        limit = [store_alone(arguments.strategies, minute + 60 * (1_000 + at)) for at in range(arguments.passes)]
        peer = m2m_worker.run(prices(instruments, np.random.default_rng(1)), minute + 60 * 5_000)
    report(arguments.strategies, passes, again, limit, peer, queries)


def next_minute() -> int:
    """Return the open (Unix seconds) of a minute of a session."""
    from fo_analytics.selectors.sessions import calendar_of

    session = calendar_of(exchange="NSE").next_session_after(DAY)
    return int(session.opens_at.timestamp()) + 600


def listed_contracts() -> list[int]:
    """List contracts; return their primary keys."""
    from fo_analytics.models import Instrument, Underlying

    underlying = Underlying.objects.create(symbol="NIFTY", exchange="NSE")
    made = Instrument.objects.bulk_create(
        Instrument(
            token=1_000 + at, underlying=underlying, kind=("CE", "PE")[at % 2], tradingsymbol=f"NIFTY{at}",
            expiry=EXPIRY, strike=Decimal(20_000 + 50 * (at // 2)), lot_size=65,
        )
        for at in range(CONTRACTS)
    )  # fmt: skip
    return [row.pk for row in made]


def make_strategies(count: int, instruments: list[int], minute: int) -> None:
    """Store active strategies with their legs, fills and states."""
    from accounts.models import TradingAccount, User
    from strategies.models import Fill, Leg, LegState, Strategy
    from strategies.selectors.legs import leg_of, stored_legs
    from strategies.services.legs import state_rows

    random = np.random.default_rng(0)
    account = TradingAccount.objects.create(owner=User.objects.create(username="bench"), name="bench", broker="bench")
    strategies = Strategy.objects.bulk_create(
        Strategy(account=account, name=f"s{at}", status="active") for at in range(count)
    )
    entered = datetime.fromtimestamp(minute, tz=UTC) - timedelta(days=1)
    legs = Leg.objects.bulk_create(
        Leg(strategy=strategy, instrument_id=int(key), side=("BUY", "SELL")[at % 2], lot_size=65, open_lots=1)
        for strategy in strategies
        for at, key in enumerate(random.choice(instruments, LEGS, replace=False))
    )
    Fill.objects.bulk_create(
        Fill(leg=leg, direction="entry", lots=1, price=Decimal(int(random.integers(100, 100_000))) / 20, at=entered)
        for leg in legs
    )
    states = [state for row in stored_legs() for state in state_rows(row, leg_of(row))]
    LegState.objects.bulk_create(states, batch_size=5_000)
    execute("VACUUM ANALYZE")


def prices(instruments: list[int], random: np.random.Generator) -> dict[int, Decimal]:
    """Return a last price of every contract."""
    return {key: Decimal(int(random.integers(100, 100_000))) / 20 for key in instruments}


def put_marks(instruments: list[int], minute: int) -> None:
    """Leave the marks of a minute, one of every contract each second, and say that it is due."""
    from fo_analytics.domain.marks import LAST, RAW, packed
    from fo_analytics.marks_keys import CHANGES, DUE, minute_key
    from tradingviz.core.redis import sync_client

    seconds = np.arange(-1, SECONDS)  # the first is what was known before
    raw = np.zeros(len(seconds) * len(instruments), RAW)
    raw["instrument"] = np.tile(instruments, len(seconds))
    raw["kind"], raw["ts"] = LAST, np.repeat((minute + seconds) * 1000, len(instruments))
    raw["price"] = np.random.default_rng(minute).integers(100, 100_000, len(raw)) * 5_000
    client = sync_client()
    client.set(minute_key(minute), packed(raw, minute=minute))
    client.zadd(DUE, {str(minute): int(client.incr(CHANGES))})


def one_pass(instruments: list[int], minute: int, strategies: int) -> float:
    """Return the milliseconds of a pass that stores a candle of every strategy."""
    put_marks(instruments, minute)
    return timed_pass(strategies)


def again_pass(instruments: list[int], minute: int, strategies: int) -> float:
    """Return those of a pass over a minute that says nothing new."""
    put_marks(instruments, minute)
    return timed_pass(0)


def timed_pass(candles: int) -> float:
    """Run one pass; it must have stored so many candles."""
    from strategies.services.recalculation import recalculate
    from tradingviz.core.redis import shared_client

    began = time.perf_counter()
    done = recalculate(shared_client())
    taken = (time.perf_counter() - began) * 1000
    assert (done.minutes, done.candles) == (1, candles), done
    return taken


def store_alone(strategies: int, minute: int) -> float:
    """Return the milliseconds of storing so many candles that are made already."""
    from strategies.domain.candles import Candles
    from strategies.models import Strategy
    from strategies.services.candles import store_candles

    ids = np.array(Strategy.objects.order_by("pk").values_list("pk", flat=True), np.int64)
    column = np.arange(strategies, dtype=np.int64)[:, np.newaxis]
    made = Candles(np.array([minute]), column, column, column, column, column * 0 + 60, column < 0)
    began = time.perf_counter()
    assert store_candles(ids=ids, made=[made]) == strategies
    return (time.perf_counter() - began) * 1000


def count_queries(work: Callable[[], object]) -> int:
    """Return how many statements Django's connection is given; those that open and end a transaction apart."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        work()
    return sum(query["sql"] not in ("BEGIN", "COMMIT") for query in captured)


def execute(statement: str) -> None:
    """Run one statement."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement)


def report(
    strategies: int, passes: list[float], again: list[float], limit: list[float], peer: float, queries: int
) -> None:
    """Print what was found."""
    print(f"\n{strategies:,} strategies of {LEGS} legs, {CONTRACTS} contracts, {SECONDS} seconds a minute, {machine()}")
    for name, found in (
        ("a pass, every candle new", passes), ("a pass that says nothing new", again),
        ("limit: the storing statement alone", limit),
    ):  # fmt: skip
        ordered = sorted(found)
        print(f"{name:40} median {statistics.median(found):7.0f} ms, max {ordered[-1]:7.0f} ms  (n = {len(found)})")
    print(f"{'peer: one strategy after another':40} once   {peer:7.0f} ms")
    verdict = "met" if statistics.median(passes) <= TARGET_MS and queries <= MOST_QUERIES else "MISSED"
    print(f"{queries} queries; wanted at most {TARGET_MS:.0f} ms and {MOST_QUERIES} queries: {verdict}")


if __name__ == "__main__":
    main()

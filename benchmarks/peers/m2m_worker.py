"""A worker as the earlier design had it: for each strategy one query for its legs, one Redis call for its prices, and
one statement for its candle. Over one open connection, with prepared statements: kinder than it was."""

import time
from collections.abc import Mapping
from decimal import Decimal

LEGS = """
SELECT leg.instrument_id, leg.side, leg.lot_size, leg.open_lots, fill.price
FROM strategies_leg AS leg JOIN strategies_fill AS fill ON fill.leg_id = leg.id
WHERE leg.strategy_id = %s
"""
STORE = """
INSERT INTO strategy_candle (strategy_id, time, open, high, low, close, seconds, partial, from_bars)
VALUES (%s, to_timestamp(%s), %s, %s, %s, %s, 1, false, false)
ON CONFLICT (strategy_id, time) DO UPDATE SET
    high = GREATEST(strategy_candle.high, excluded.high), low = LEAST(strategy_candle.low, excluded.low),
    close = excluded.close
"""


def run(prices: Mapping[int, Decimal], minute: int) -> float:
    """Mark every active strategy to market once; return the milliseconds."""
    from django.db import connection, transaction

    from tradingviz.core.redis import sync_client

    client = sync_client()
    client.hset("peer:prices", mapping={str(key): str(price) for key, price in prices.items()})
    connection.ensure_connection()
    began = time.perf_counter()
    with transaction.atomic():
        cursor = connection.connection.cursor()
        cursor.execute("SELECT id FROM strategies_strategy WHERE status = 'active'")
        for (strategy,) in cursor.fetchall():
            legs = cursor.execute(LEGS, [strategy], prepare=True).fetchall()
            found = client.hmget("peer:prices", [str(leg[0]) for leg in legs])
            value = sum(
                (1 if side == "BUY" else -1) * lots * size * (Decimal(last.decode()) - entry)
                for (_, side, size, lots, entry), last in zip(legs, found, strict=True)
            )
            paise = int(value * 100)
            cursor.execute(STORE, [strategy, minute, paise, paise, paise, paise], prepare=True)
    return (time.perf_counter() - began) * 1000

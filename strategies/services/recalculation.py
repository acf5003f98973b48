"""One pass over the minutes in which something was priced: the value of every active strategy, and its candles.

It does not matter when a pass runs, how often, or how many at once: one does the work, and doing it again changes
nothing. A minute is due until a pass that has seen all its marks has committed.
"""

from dataclasses import dataclass

import redis
from django.db import connection, transaction

from fo_analytics.selectors.marks import due_marks, settle_due
from strategies.selectors.candle_making import MINUTE, candles_of_marks
from strategies.selectors.states import states_between
from strategies.services.candles import store_candles

# Values of a pass are held in memory: rows times seconds.
MINUTES_A_PASS = 5
LOCK = 0x6D326D  # "m2m": of whoever makes candles


@dataclass(frozen=True, slots=True)
class Pass:
    """What a pass did: minutes and strategies it looked at, candles that changed; whether another one was at work."""

    minutes: int = 0
    strategies: int = 0
    candles: int = 0
    elsewhere: bool = False


def recalculate(client: redis.Redis) -> Pass:
    """Make the candles of the minutes that are due. Raises redis.RedisError, django.db.Error: they stay due then."""
    with transaction.atomic():
        if not own_pass():
            return Pass(elsewhere=True)
        # Read once the work is ours: marks of before another pass would overwrite what that one made of newer ones.
        due = due_marks(client, limit=MINUTES_A_PASS)
        if not due:
            return Pass()
        states = states_between(first=due[0].minute, end=due[-1].minute + MINUTE)
        written = store_candles(ids=states.strategy_id, made=candles_of_marks(states, due))
    settle_due(client, [(minute.minute, minute.change) for minute in due])
    return Pass(len(due), len(states.strategy_id), written)


def wait_for_pass() -> None:
    """Wait until nobody else makes candles, until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def own_pass() -> bool:
    """Return whether nobody else makes candles until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        (taken,) = cursor.fetchone()
    return bool(taken)

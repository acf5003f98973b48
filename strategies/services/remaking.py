"""Making candles again, where the legs say something else than they did: a leg was added, changed, settled.

Of second marks where these are kept (an hour), else of stored minutes. A strategy and session at a time, so that what
is live waits for none of it.
"""

from collections.abc import Collection
from datetime import date, datetime, time, timedelta

import redis
from django.db import transaction
from django.db.models import Max

from fo_analytics.domain.calendar import Session, ist_date, ist_instant
from fo_analytics.models import Bar
from fo_analytics.selectors.marks import minute_marks
from fo_analytics.selectors.sessions import calendar_of
from strategies.models import LegState, Strategy, StrategyCandle
from strategies.selectors.candle_making import MINUTE, candles_of_bars, candles_of_marks, is_told
from strategies.selectors.states import states_between
from strategies.services.candles import drop_candles, store_candles
from strategies.services.recalculation import own_pass, wait_for_pass

# Marks are of minutes that ingest has not stored yet, too.
AHEAD = timedelta(minutes=3)
MINUTES_AT_ONCE = 30
# Of these there are candles.
SHOWN = (Strategy.Status.ACTIVE, Strategy.Status.CLOSED)


def remake_outdated(client: redis.Redis, *, limit: int) -> int:
    """Make again what is outdated, a session of each of `limit` strategies at most; return how many sessions it was.

    Those longest outdated first; 0 where nothing is, or somebody else is at work. Raises redis.RedisError,
    django.db.Error; what is not done stays outdated.
    """
    outdated = Strategy.objects.filter(outdated_since__isnull=False, status__in=SHOWN).order_by("outdated_since")
    return sum(_remake_next(client, pk) for pk in outdated.values_list("pk", flat=True)[:limit])


def remake_sessions(client: redis.Redis, *, strategy_ids: Collection[int], first: date, last: date) -> dict[int, int]:
    """Make the candles of the sessions of two dates and between again; return how many there are now, by strategy.

    Those that are neither active nor closed are left out. A session of a strategy at a time, whoever else is at work.
    Raises redis.RedisError, django.db.Error; what was made until then stays. Safe to repeat.
    """
    done: dict[int, int] = {}
    shown = Strategy.objects.filter(pk__in=strategy_ids, status__in=SHOWN).order_by("pk")
    for pk in list(shown.values_list("pk", flat=True)):
        sessions = [one for one in _sessions(pk, ist_instant(first, time.min)) if one.date <= last]
        done[pk] = sum(_remake_session(client, pk, session) for session in sessions)
    return done


@transaction.atomic
def _remake_session(client: redis.Redis, strategy_id: int, session: Session) -> int:
    wait_for_pass()
    Strategy.objects.select_for_update(no_key=True).get(pk=strategy_id)
    _remake(client, strategy_id, session, session.opens_at)
    made = StrategyCandle.objects.filter(strategy=strategy_id)
    return made.filter(time__gte=session.opens_at, time__lt=session.closes_at).count()


@transaction.atomic
def _remake_next(client: redis.Redis, strategy_id: int) -> bool:
    """Make the first outdated session again; the row stays locked, so that a change after this reading is not lost."""
    if not own_pass():
        return False
    strategy = Strategy.objects.select_for_update(no_key=True).filter(pk=strategy_id).first()
    if strategy is None or strategy.outdated_since is None:
        return False
    sessions = _sessions(strategy_id, strategy.outdated_since)
    rest = sessions[1].opens_at if len(sessions) > 1 else None
    Strategy.objects.filter(pk=strategy_id).update(outdated_since=rest)
    if sessions:
        _remake(client, strategy_id, sessions[0], strategy.outdated_since)
    return True


def _sessions(strategy_id: int, since: datetime) -> list[Session]:
    """The sessions from an instant on of which prices of the strategy are known."""
    held = LegState.objects.filter(strategy=strategy_id, instrument__isnull=False)
    exchange = held.values_list("instrument__underlying__exchange", flat=True).first()
    instruments = held.values_list("instrument", flat=True)
    newest = Bar.objects.filter(instrument__in=list(instruments), time__gte=since - timedelta(days=1))
    last = newest.aggregate(last=Max("time"))["last"]
    if exchange is None or last is None:
        return []
    found = calendar_of(exchange=exchange).sessions_between(ist_date(since), ist_date(last + AHEAD))
    return [session for session in found if session.closes_at > since]


def _remake(client: redis.Redis, strategy_id: int, session: Session, since: datetime) -> None:
    """Make the candles of a session again, from the minute on that holds an instant."""
    begin = max(int(since.timestamp()), int(session.opens_at.timestamp()))
    first, end = begin - begin % MINUTE, int(session.closes_at.timestamp())
    states = states_between(first=first, end=end, strategy_ids=[strategy_id])
    drop_candles(strategy_id=strategy_id, first=first, end=end)
    of_bars = candles_of_bars(states, first=first, end=end)
    store_candles(ids=states.strategy_id, made=of_bars, from_bars=True)
    for at in range(first, end, MINUTES_AT_ONCE * MINUTE):
        minutes = range(at, min(at + MINUTES_AT_ONCE * MINUTE, end), MINUTE)
        told = [minute for minute in minute_marks(client, list(minutes)) if is_told(states, minute)]
        if told:
            store_candles(ids=states.strategy_id, made=candles_of_marks(states, told))

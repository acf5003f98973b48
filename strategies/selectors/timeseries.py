"""A strategy's candles over a time, by the minute or rolled up."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import time
from typing import Any

from django.db import connection
from django.db.models import Max

from fo_analytics.domain.calendar import Calendar, from_ms, ist_date, ist_instant, to_ms
from fo_analytics.domain.timeframes import MINUTES
from fo_analytics.selectors.chains import session_begun
from fo_analytics.selectors.reference import calendar
from fo_analytics.selectors.time_range import MAX_DAYS
from strategies.domain.money import decimal_of_paise
from strategies.models import LegState, StrategyCandle
from strategies.queries import query

COLUMNS = ("time", "open", "high", "low", "close", "seconds", "partial", "from_bars")
AMOUNTS = ("open", "high", "low", "close")
DAY_MS = 86_400_000
DEFAULT_EXCHANGE = "NSE"


@dataclass(frozen=True, slots=True)
class Span:
    """[since_ms, until_ms), ms UTC; `capped`: its beginning was cut off."""

    since_ms: int
    until_ms: int
    capped: bool


def candle_columns(
    *, strategy_id: int, timeframe: str, since_ms: int | None, until_ms: int | None, now_ms: int
) -> tuple[Span, dict[str, list[Any]]]:
    """Return the candles of a strategy as columns by name, and the time they cover. Three queries.

    `time` Unix seconds of the bucket's open; amounts decimal text, rupees, null where only bars were kept. Without an
    end it is that of the newest session with candles, without a beginning that session's open.
    """
    sessions = calendar(exchange=_exchange(strategy_id))
    span = _span(strategy_id, timeframe, (since_ms, until_ms), sessions, now_ms)
    between = sessions.sessions_between(ist_date(from_ms(span.since_ms)), ist_date(from_ms(span.until_ms - 1)))
    parameters: dict[str, Any] = {
        "strategy": strategy_id,
        "from": from_ms(span.since_ms),
        "to": from_ms(span.until_ms),
        "minutes": MINUTES[timeframe],
        "opens": [session.opens_at for session in between],
        "closes": [session.closes_at for session in between],
    }
    with connection.cursor() as cursor:
        cursor.execute(query("rolled_candles"), parameters)
        rows = cursor.fetchall()
    columns = {name: [row[place] for row in rows] for place, name in enumerate(COLUMNS)}
    return span, columns | {name: [_rupees(paise) for paise in columns[name]] for name in AMOUNTS}


def newest_closes(*, strategy_ids: Collection[int]) -> Mapping[int, list[int]]:
    """Return the closes (paise) of the newest day (IST) of which any of the strategies has candles. Two queries."""
    candles = StrategyCandle.objects.filter(strategy__in=strategy_ids)
    newest = candles.aggregate(at=Max("time"))["at"]
    found: dict[int, list[int]] = defaultdict(list)
    if newest is not None:
        of_day = candles.filter(time__gte=ist_instant(ist_date(newest), time.min)).order_by("strategy", "time")
        for strategy_id, close in of_day.values_list("strategy_id", "close"):
            found[strategy_id].append(close)
    return found


def _exchange(strategy_id: int) -> str:
    """Return whose sessions the buckets are counted from: those of the first leg."""
    legs = LegState.objects.filter(strategy=strategy_id, instrument__isnull=False).order_by("leg")
    return legs.values_list("instrument__underlying__exchange", flat=True).first() or DEFAULT_EXCHANGE


def _span(
    strategy_id: int, timeframe: str, asked: tuple[int | None, int | None], sessions: Calendar, now_ms: int
) -> Span:
    since_ms, until_ms = asked
    if until_ms is None:
        newest = StrategyCandle.objects.filter(strategy=strategy_id).aggregate(at=Max("time"))["at"]
        session = session_begun(now_ms if newest is None else to_ms(newest), sessions)
        until_ms = max(to_ms(session.closes_at) if session else now_ms, (since_ms or 0) + 1)
    if since_ms is None:
        session = session_begun(until_ms - 1, sessions)
        since_ms = min(to_ms(session.opens_at) if session else until_ms - DAY_MS, until_ms - 1)
    earliest = until_ms - MAX_DAYS[timeframe] * DAY_MS
    return Span(max(since_ms, earliest), until_ms, since_ms < earliest)


def _rupees(paise: int | None) -> str | None:
    return None if paise is None else str(decimal_of_paise(paise))

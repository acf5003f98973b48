"""What the candles of a strategy are summed up by."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from fo_analytics.domain.calendar import IST, ist_date
from strategies.domain.money import decimal_of_paise, difference, estimate
from strategies.domain.statistics import DailyStatistics, daily_statistics, drawdown
from strategies.models import Strategy, StrategyCandle

Json = dict[str, Any]
LONGEST = timedelta(days=366)
NO_CANDLES, ONE_DAY = "no_candles", "fewer_than_2_days"


@dataclass(frozen=True, slots=True)
class Candle:
    """A minute's open and the value at its end, rupees."""

    time: datetime
    close: Decimal


def statistics_answer(*, strategy: Strategy, since: datetime | None, until: datetime | None) -> Json:
    """Return drawdown and daily statistics over the candles in [since, until), at most 366 days; None: not said.

    It ends with the newest candle. A day's change is against the last value before it, 0 before the first candle of
    all. Rupees; null with a reason where there are no candles. Three queries.
    """
    own = StrategyCandle.objects.filter(strategy=strategy)
    if until is None:
        newest = own.order_by("-time").values_list("time", flat=True).first()
        until = newest + timedelta(minutes=1) if newest else None
    earliest = until - LONGEST if until else None
    begin = max((at for at in (since, earliest) if at), default=None)
    found = own if until is None else own.filter(time__lt=until, time__gte=begin)
    rows = list(found.order_by("time").values_list("time", "close", "partial", "from_bars"))
    candles = [Candle(time, decimal_of_paise(close)) for time, close, _, _ in rows]
    before = own.filter(time__lt=begin).order_by("-time").values_list("close", flat=True).first() if begin else None
    return {
        "from": _local(begin),
        "to": _local(until),
        "capped": ["from"] if since and earliest and since < earliest else [],
        "candles": len(rows),
        "partial_candles": sum(partial for _, _, partial, _ in rows),
        "candles_from_bars": sum(from_bars for _, _, _, from_bars in rows),
        "outdated_since": _local(strategy.outdated_since),
        "drawdown": _drawdown(candles),
        **_daily(candles, decimal_of_paise(before or 0)),
        "reason": None if candles else NO_CANDLES,
    }


def _local(instant: datetime | None) -> datetime | None:
    return None if instant is None else instant.astimezone(IST)


def _drawdown(candles: list[Candle]) -> Json | None:
    found = drawdown([candle.close for candle in candles])
    if found is None:
        return None
    return {
        "depth": found.depth,
        "peak": _point(candles[found.peak]),
        "trough": _point(candles[found.trough]),
        "recovered": None if found.recovered is None else _point(candles[found.recovered]),
    }


def _point(candle: Candle) -> Json:
    return {"time": int(candle.time.timestamp()), "value": candle.close}


def _daily(candles: list[Candle], start: Decimal) -> Json:
    closes = list({ist_date(candle.time): candle.close for candle in candles}.items())
    found = daily_statistics(closes, start=start)
    changes = [
        {"date": day, "close": close, "change": difference(close, previous)}
        for (_, previous), (day, close) in pairwise([(None, start), *closes])
    ]
    return {"daily": None if found is None else _summary(found), "days": changes}


def _summary(found: DailyStatistics) -> Json:
    deviation = None if found.deviation is None else estimate(found.deviation)
    return {
        "days": found.days,
        "total": found.total,
        "mean": found.mean,
        "deviation": deviation,
        "deviation_reason": None if deviation is not None else ONE_DAY,
        "best": {"date": found.best[0], "change": found.best[1]},
        "worst": {"date": found.worst[0], "change": found.worst[1]},
        "gains": found.gains,
        "losses": found.losses,
        "winning": found.winning,
    }

"""What strategies are worth now: one document each, which REST answers with and sockets send.

Money is decimal text, rupees; `…_ts` and `ts_event` milliseconds UTC. Each leg's value is rounded by itself, the
strategy's once, from the exact sum: they may differ by a paisa.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from fo_analytics.domain.calendar import from_ms, ist_date
from fo_analytics.selectors.quotes import InstrumentQuote, latest_quotes, latest_time
from fo_analytics.selectors.reference import calendar
from strategies import models
from strategies.domain.legs import Kind, Leg, LegError
from strategies.domain.m2m import M2M, Priced, Quote, Valuation, linear_greeks, mark_to_market, net_greeks
from strategies.domain.money import decimal_text, price_of
from strategies.selectors.legs import leg_of, stored_legs
from streaming.domain.sequencing import Document

logger = logging.getLogger(__name__)


def m2m_documents(*, strategy_ids: Collection[int], now_ms: int) -> dict[int, Document]:
    """Return the documents of strategies, of those that there are. Four queries, and one for prices nobody quotes."""
    strategies = models.Strategy.objects.filter(pk__in=strategy_ids).prefetch_related("alerts")
    held: dict[int, list[models.Leg]] = {strategy.pk: [] for strategy in strategies}
    for row in stored_legs().filter(strategy__in=list(held)):
        held[row.strategy_id].append(row)
    rows = [row for legs in held.values() for row in legs]
    quotes = latest_quotes(instrument_ids={row.instrument_id for row in rows if row.open_lots})
    times = event_times(rows, now_ms=now_ms)
    return {strategy.pk: _document(strategy, held[strategy.pk], quotes, times) for strategy in strategies}


def event_times(rows: Iterable[models.Leg], *, now_ms: int) -> dict[str, int]:
    """Return as of when the market of each leg's underlying is (ms UTC): now, while its session of today is open.

    Else as of what was heard last: after the close, and where an older day is replayed, prices do not grow old.
    """
    exchanges = {row.instrument.underlying.symbol: row.instrument.underlying.exchange for row in rows}
    heard = latest_time(underlyings=exchanges)
    return {symbol: _as_of(ts, exchanges[symbol], now_ms) for symbol, ts in heard.items()}


def quote_of(found: InstrumentQuote) -> Quote:
    """Return what the market shows as exact prices."""
    last, bid, ask = (None if price is None else price_of(price) for price in (found.last, found.bid, found.ask))
    return Quote(last, found.last_ts, bid, ask, found.quote_ts)


def _as_of(ts: int, exchange: str, now_ms: int) -> int:
    session = calendar(exchange=exchange).session_at(from_ms(now_ms))
    live = session is not None and session.date == ist_date(from_ms(ts))
    return max(ts, now_ms) if live else ts


def _document(
    strategy: models.Strategy,
    rows: Sequence[models.Leg],
    quotes: Mapping[int, InstrumentQuote],
    times: Mapping[str, int],
) -> Document:
    try:
        legs = [leg_of(row) for row in rows]
    except LegError as error:
        # What staff edited must not keep all others from being shown.
        logger.warning("the history of a leg is impossible: %s", error, extra={"strategy": strategy.pk})
        nothing = _document(strategy, (), quotes, times)
        return {**nothing, "value": None, "unrealised": None, "partial": True, "reason": "impossible_history"}
    as_of = max((times.get(leg.contract.underlying, 0) for leg in legs), default=0)
    prices = {key: quote_of(quote) for key, quote in quotes.items()}
    valuation = Valuation(strategy.valuation)
    worth = mark_to_market(legs, prices, as_of_ms=as_of, valuation=valuation)
    greeks = net_greeks(legs, {leg.contract.key: _greeks(leg, quotes) for leg in legs})
    return {
        "strategy": strategy.pk,
        "status": strategy.status,
        "valuation": strategy.valuation,
        "ts_event": as_of or None,
        **_amounts(worth),
        "partial": worth.partial,
        "reason": worth.reason,
        "greeks": None if greeks.values is None else dict(greeks.values),
        "greeks_missing": [rows[place].pk for place in greeks.missing],
        "legs": {
            str(row.pk): _leg(leg, priced, mark_to_market([leg], prices, as_of_ms=as_of, valuation=valuation))
            for row, leg, priced in zip(rows, legs, worth.legs, strict=True)
        },
        "alerts": {str(alert.pk): _alert(alert) for alert in strategy.alerts.all()},
    }


def _amounts(worth: M2M) -> dict[str, Any]:
    return {
        "value": None if worth.value is None else str(worth.value),
        "realised": str(worth.realised),
        "unrealised": None if worth.unrealised is None else str(worth.unrealised),
    }


def _leg(leg: Leg, priced: Priced | None, worth: M2M) -> dict[str, Any]:
    return {
        "units": leg.signed_units,
        "price": None if priced is None or priced.price is None else decimal_text(priced.price),
        "price_source": None if priced is None else priced.source.value,
        "price_ts": None if priced is None else priced.ts,
        "fresh": None if priced is None else priced.fresh,
        **_amounts(worth),
    }


def _alert(alert: models.Alert) -> dict[str, Any]:
    return {
        "condition": alert.condition,
        "threshold": str(alert.threshold),
        "fired_ts": None if alert.fired_at is None else int(alert.fired_at.timestamp() * 1000),
        "fired_value": None if alert.fired_value is None else str(alert.fired_value),
    }


def _greeks(leg: Leg, quotes: Mapping[int, InstrumentQuote]) -> Mapping[str, float] | None:
    kind = leg.contract.kind
    if kind in (Kind.FUTURE, Kind.EQUITY):
        return linear_greeks(kind)
    found = quotes.get(leg.contract.key)
    return None if found is None else found.greeks

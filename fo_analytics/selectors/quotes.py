"""The newest quotes of single instruments, whatever they are: live where ingest publishes them, else from bars."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from fo_analytics.domain.calendar import MINUTE_MS, to_ms
from fo_analytics.domain.chain_view import GREEKS, strike_key
from fo_analytics.models import Instrument, InstrumentKind
from fo_analytics.queries import query
from fo_analytics.selectors.chains import LIVE, STORED, live_states
from fo_analytics.selectors.reference import calendar
from fo_analytics.topics import chain_topic, quotes_topic, underlying_topic
from streaming.domain.sequencing import Document

_SIDES = {InstrumentKind.CALL.value: "call", InstrumentKind.PUT.value: "put"}


@dataclass(frozen=True, slots=True)
class InstrumentQuote:
    """What was last said of an instrument. Prices rupees, None where not said; stamps ms UTC, 0 for never.

    `forward`, `iv` (a fraction) and `greeks` (by name: delta gamma theta vega rho, units as in models.series) are those
    of options alone, as of `greeks_ts`. `source` and `greeks_source` are `live` or `bars`, None where nothing is known.
    `expires_at_ms` is None of what does not expire; `spot` is only known of what is live.
    """

    last: float | None = None
    last_ts: int = 0
    bid: float | None = None
    ask: float | None = None
    quote_ts: int = 0
    source: str | None = None
    forward: float | None = None
    iv: float | None = None
    greeks: Mapping[str, float] | None = None
    greeks_ts: int = 0
    greeks_source: str | None = None
    expires_at_ms: int | None = None
    spot: float | None = None


@dataclass(frozen=True, slots=True)
class _Listed:
    """What an instrument is."""

    key: int
    symbol: str
    exchange: str
    kind: str
    expiry: date | None
    strike: Decimal | None

    @property
    def topic(self) -> str:
        """Return where it is published."""
        is_option = self.kind in _SIDES and self.expiry is not None
        return chain_topic(self.symbol, self.expiry or "") if is_option else quotes_topic(self.symbol)

    @property
    def expires_at_ms(self) -> int | None:
        """Return when it expires."""
        return None if self.expiry is None else to_ms(calendar(exchange=self.exchange).expires_at(self.expiry))


def latest_quotes(*, instrument_ids: Iterable[int]) -> dict[int, InstrumentQuote]:
    """Return the newest quote of each instrument there is, by primary key: an empty one of what nothing is known of.

    One round trip to Redis and two queries at most. Bars count of the week before the newest one stored.
    """
    listed = _listed(instrument_ids)
    topics = sorted({item.topic for item in listed} | {quotes_topic(item.symbol) for item in listed})
    documents = dict(zip(topics, live_states(topics=topics), strict=True))
    found: dict[int, InstrumentQuote] = {}
    for item in listed:
        state = documents[item.topic]
        if state is not None and (quote := _live(item, state.document)) is not None:
            found[item.key] = quote
    missing = [item for item in listed if item.key not in found]
    return found | _stored(missing)


def latest_time(*, underlyings: Iterable[str]) -> dict[str, int]:
    """Return the newest instant (ms UTC) of which each underlying (canonical symbol) is published, where it is."""
    symbols = list(dict.fromkeys(underlyings))
    states = live_states(topics=[underlying_topic(symbol) for symbol in symbols])
    return {symbol: state.ts_event for symbol, state in zip(symbols, states, strict=True) if state is not None}


def _listed(instrument_ids: Iterable[int]) -> list[_Listed]:
    rows = Instrument.objects.filter(pk__in=set(instrument_ids)).order_by()
    return [
        _Listed(*row)
        for row in rows.values_list("pk", "underlying__symbol", "underlying__exchange", "kind", "expiry", "strike")
    ]


def _live(item: _Listed, document: Document) -> InstrumentQuote | None:
    """Return what a published document says of an instrument, None where that is nothing."""
    if item.kind not in _SIDES:
        cell = document.get(str(item.key))
        return None if cell is None else InstrumentQuote(**_quoted(cell), expires_at_ms=item.expires_at_ms)
    row = document["strikes"].get(strike_key(float(item.strike or 0)), {})
    cell = row.get(_SIDES[item.kind])
    if cell is None or (cell["last_ts"] is None and cell["quote_ts"] is None):
        return None
    head = document["head"]
    greeks = _greeks([cell[name] for name in GREEKS])
    return InstrumentQuote(
        **_quoted(cell),
        forward=head["forward"],
        iv=cell["iv"],
        greeks=greeks,
        greeks_ts=head["ts_event"] if greeks else 0,
        greeks_source=LIVE if greeks else None,
        expires_at_ms=head["ts_expiry"],
        spot=head["spot"],
    )


def _quoted(cell: Document) -> dict[str, Any]:
    stamps = {name: cell[name] or 0 for name in ("last_ts", "quote_ts")}
    return {name: cell[name] for name in ("last", "bid", "ask")} | stamps | {"source": LIVE}


def _greeks(values: Sequence[float | None]) -> dict[str, float] | None:
    known = {name: value for name, value in zip(GREEKS, values, strict=True) if value is not None}
    return known if len(known) == len(GREEKS) else None


def _stored(listed: Sequence[_Listed]) -> dict[int, InstrumentQuote]:
    """Return what bars say; one query."""
    found = {item.key: InstrumentQuote(expires_at_ms=item.expires_at_ms) for item in listed}
    if not found:
        return found
    with connection.cursor() as cursor:
        cursor.execute(query("newest_quotes"), {"instrument_ids": list(found)})
        rows = cursor.fetchall()
    for key, last, last_at, bid, ask, quote_at, forward, iv, *values, time in rows:
        greeks = _greeks(values)
        found[key] = InstrumentQuote(
            last=last,
            last_ts=_ms(last_at),
            bid=bid,
            ask=ask,
            quote_ts=_ms(quote_at),
            source=STORED,
            forward=forward,
            iv=iv,
            greeks=greeks,
            greeks_ts=_ms(time) + MINUTE_MS if greeks else 0,
            greeks_source=STORED if greeks else None,
            expires_at_ms=found[key].expires_at_ms,
        )
    return found


def _ms(seconds: float | None) -> int:
    return 0 if seconds is None else round(seconds * 1000)

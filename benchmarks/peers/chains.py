"""Chains as the peer answers them: its own SQL and assembly around the shared valuation."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np

from benchmarks.peers.depth import depths
from fo_analytics.domain.chain import (
    IvSource,
    MarkSource,
    Quotes,
    Terms,
    Valuation,
    parity_forward,
    spot_is_contradicted,
    value_chain,
)
from fo_analytics.domain.changes import Reference, changes
from fo_analytics.domain.labels import labels_of, monthly_expiries
from fo_analytics.domain.minute_close import ChainMeasures, measure
from fo_analytics.domain.moneyness import label
from fo_analytics.domain.moneyness import levels as rungs_above
from fo_analytics.domain.pricing import Reason

IST = timezone(timedelta(hours=5, minutes=30))
RATE = 0.065
REMEMBERED_SECONDS = 10.0
SIDES = ("call", "put")
GREEKS = ("delta", "gamma", "theta", "vega", "rho")
MARK_SOURCES = {MarkSource.NONE: None, MarkSource.MID: "mid", MarkSource.LAST: "last"}
IV_SOURCES = {IvSource.NONE: None, IvSource.OWN: "own", IvSource.OTHER_SIDE: "other_side"}
REASONS = {reason.value: None if reason is Reason.NONE else reason.name.lower() for reason in Reason}

EXPIRIES = """
SELECT DISTINCT underlying.symbol, expiry FROM fo_analytics_instrument AS instrument
JOIN fo_analytics_underlying AS underlying ON underlying.id = underlying_id
WHERE kind IN ('CE', 'PE') AND (valid_from IS NULL OR valid_from <= $1)
"""
CONTRACTS = """
SELECT instrument.id, kind, strike::float8, tick_size::float8 FROM fo_analytics_instrument AS instrument
JOIN fo_analytics_underlying AS underlying ON underlying.id = underlying_id
WHERE symbol = $1 AND (expiry = $2 OR kind = 'SPOT') ORDER BY strike
"""
SESSIONS = """
SELECT date, MIN(opens_at) AS opens_at, expires_at
FROM fo_analytics_tradingsession AS session
JOIN fo_analytics_sessioninterval AS part ON part.session_id = session.id
WHERE exchange = 'NSE' AND segment = 'FO' GROUP BY session.id ORDER BY date
"""
# The newest minute of each contract, and the newest with a price where that one had none.
NEWEST = """
SELECT
    wanted.id, COALESCE(newest.close, priced.close), date_part('epoch', COALESCE(newest.last_at, priced.last_at)),
    newest.bid, newest.bid_qty::float8, newest.ask, newest.ask_qty::float8, date_part('epoch', newest.quote_at),
    newest.cumulative_volume::float8, newest.oi::float8, date_part('epoch', newest.oi_at),
    date_part('epoch', newest.time)
FROM unnest($1::bigint[]) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT time, close, last_at, bid, bid_qty, ask, ask_qty, quote_at, cumulative_volume, oi, oi_at FROM bar
    WHERE instrument_id = wanted.id AND time >= $2 AND time <= $3 ORDER BY time DESC LIMIT 1
) AS newest
LEFT JOIN LATERAL (
    SELECT close, last_at FROM bar
    WHERE newest.close IS NULL AND instrument_id = wanted.id AND time >= $2 AND time <= $3 AND close IS NOT NULL
    ORDER BY time DESC LIMIT 1
) AS priced ON TRUE
"""
COLUMNS = ("last", "last_ts", "bid", "bid_qty", "ask", "ask_qty", "quote_ts", "volume", "oi", "oi_ts")
STAMPS = ("last_ts", "quote_ts", "oi_ts")


@dataclass(frozen=True, slots=True)
class Ladder:
    """An expiry's strikes (k,), and where each contract's numbers go: instrument id to (side, place)."""

    ids: list[int]
    places: dict[int, tuple[int, int]]
    spot_id: int
    strike: np.ndarray
    listed: np.ndarray
    tick_size: np.ndarray


class Chains:
    """Answers from the database; what is listed is remembered for some seconds."""

    def __init__(self, pool: Any) -> None:
        """Take the pool of connections."""
        self._pool = pool
        self._held: dict[Any, tuple[float, Any]] = {}

    async def fetch(self, query: str, *parameters: object) -> list[Any]:
        """Return a query's rows."""
        rows: list[Any] = await self._pool.fetch(query, *parameters)
        return rows

    async def _remembered(self, key: Any, load: Callable[[], Awaitable[Any]]) -> Any:
        held = self._held.get(key)
        if held is not None and held[0] > time.monotonic():
            return held[1]
        value = await load()
        self._held[key] = (time.monotonic() + REMEMBERED_SECONDS, value)
        return value

    async def sessions(self) -> dict[date, tuple[datetime, datetime]]:
        """Return each session's open and expiry instant."""
        rows = await self._remembered("sessions", lambda: self._pool.fetch(SESSIONS))
        return await self._remembered("by day", lambda: _ready({day: (opens, ends) for day, opens, ends in rows}))

    async def expiries(self, day: date) -> dict[str, list[date]]:
        """Return the expiries listed by a day, of every underlying."""
        found: dict[str, list[date]] = {}
        for symbol, expiry in await self._remembered(("expiries", day), lambda: self._pool.fetch(EXPIRIES, day)):
            found.setdefault(symbol, []).append(expiry)
        return found

    async def ladder(self, symbol: str, expiry: date) -> Ladder:
        """Return what is listed of one expiry."""

        async def load() -> Ladder:
            return ladder_of(await self._pool.fetch(CONTRACTS, symbol, expiry))

        found: Ladder = await self._remembered(("ladder", symbol, expiry), load)
        return found

    async def reference(
        self, symbol: str, expiry: date, ladder: Ladder, session: tuple[datetime, datetime]
    ) -> Reference:
        """Return an expiry as the last minutes of a session had it, from its open until the next one's."""

        since, until = session[0], session[1] - timedelta(minutes=1)

        async def load() -> Reference:
            return reference_of(ladder, await self._pool.fetch(NEWEST, ladder.ids, since, until))

        found: Reference = await self._remembered(("reference", symbol, expiry, session), load)
        return found

    async def strike_distribution(self, symbol: str, wanted: str | None, at_ms: int, levels: int) -> dict[str, Any]:
        """Return the body of one chain as of an instant."""
        as_of = datetime.fromtimestamp(at_ms / 1000, UTC)
        sessions, listed = await self.sessions(), await self.expiries(as_of.astimezone(IST).date())
        monthly = monthly_expiries(expiry for expiries in listed.values() for expiry in expiries)
        alive = labels_of(listed[symbol], as_of, monthly=monthly, expires_at=lambda day: sessions[day][1])
        chosen = next(each for each in alive if wanted in (None, *each.labels, each.expiry.isoformat()))
        ladder = await self.ladder(symbol, chosen.expiry)
        before, opens_at = sorted(opens for opens, _ in sessions.values() if opens <= as_of)[-2:]
        rows = await self._pool.fetch(NEWEST, ladder.ids, opens_at, as_of - timedelta(minutes=1))
        quotes = quotes_of(ladder, rows)
        reference = await self.reference(symbol, chosen.expiry, ladder, (before, opens_at))
        expires_ms = round(sessions[chosen.expiry][1].timestamp() * 1000)
        times = at_ms, expires_ms
        body = chain_body(quotes, reference, chosen.expiry, times, levels, check_spot=chosen is alive[0])
        head = {"underlying": symbol, "ts_event": at_ms, "convention": "exact", "timeframe": None, "time": None}
        return {**head, "levels": levels, "chains": [{**body, "labels": chosen.labels}]}


async def _ready(value: Any) -> Any:
    return value


def ladder_of(rows: Sequence[Any]) -> Ladder:
    """Arrange rows of the master, in order of their strikes."""
    strikes = sorted({strike for _, kind, strike, _ in rows if kind in ("CE", "PE")})
    at = {strike: place for place, strike in enumerate(strikes)}
    listed, tick_size = np.zeros((2, len(strikes)), bool), np.full((2, len(strikes)), np.nan)
    places, spot_id = {}, 0
    for number, kind, strike, tick in rows:
        if kind == "SPOT":
            spot_id = number
        elif kind in ("CE", "PE"):
            place = places[number] = (0 if kind == "CE" else 1, at[strike])
            listed[place], tick_size[place] = True, tick
    return Ladder([*places, spot_id], places, spot_id, np.array(strikes), listed, tick_size)


def quotes_of(ladder: Ladder, rows: Sequence[Any]) -> Quotes:
    """Return what the rows of NEWEST show."""
    own = [row for row in rows if row[0] != ladder.spot_id]
    values = np.array([tuple(row)[1:11] for row in own], np.float64).reshape(-1, len(COLUMNS))
    sides, places = np.array([ladder.places[row[0]] for row in own], np.int64).reshape(-1, 2).T
    columns: dict[str, Any] = {}
    for name, column in zip(COLUMNS, values.T, strict=True):
        columns[name] = np.full(ladder.listed.shape, np.nan)
        columns[name][sides, places] = column
    columns |= {name: np.nan_to_num(np.rint(columns[name] * 1000)).astype(np.int64) for name in STAMPS}
    spot = next((row for row in rows if row[0] == ladder.spot_id), None)
    return Quotes(
        strike=ladder.strike,
        listed=ladder.listed,
        tick_size=ladder.tick_size,
        future=np.nan,
        spot=spot[1] if spot else np.nan,
        spot_ts=round(spot[2] * 1000) if spot else 0,
        **columns,
    )


def reference_of(ladder: Ladder, rows: Sequence[Any]) -> Reference:
    """Return what open interest and prices are compared with."""
    minutes = [row[-1] for row in rows if row[0] != ladder.spot_id]
    quotes = quotes_of(ladder, rows)
    return Reference(round(max(minutes) * 1000) + 60_000 if minutes else None, quotes.strike, quotes.last, quotes.oi)


def chain_body(
    quotes: Quotes, reference: Reference, expiry: date, times: tuple[int, int], levels: int, *, check_spot: bool
) -> dict[str, Any]:
    """Value a chain as of an instant that expires at another (ms UTC), and write it down."""
    at_ms, expires_ms = times
    terms = Terms(at_ms, expires_ms, RATE)
    trusted = not (check_spot and spot_is_contradicted(parity_forward(quotes, terms), quotes, terms))
    terms = Terms(at_ms, expires_ms, RATE, spot_is_trusted=trusted)
    value = value_chain(quotes, terms)
    measures = measure(expiry, at_ms, quotes, value)
    at = int(np.searchsorted(quotes.strike, measures.atm_strike))
    shown = slice(max(at - levels, 0), at + levels + 1)
    changed = changes(quotes.strike[shown], quotes.last[:, shown], quotes.oi[:, shown], reference)
    extra = {"oi_change": changed.oi, "oi_change_percent": changed.oi_percent, "build_up": changed.build_up}
    sides = [
        cells(quotes, value, side, shown, at_ms, {name: column[side].tolist() for name, column in extra.items()})
        for side in (0, 1)
    ]
    strikes = quotes.strike[shown].tolist()
    return {
        **head_of(quotes, value, measures, terms),
        "oi_reference_ts": reference.ts_ms,
        "price_threshold": 0.0,
        "oi_threshold": 0.0,
        "strikes": [
            {"strike": strike} | {name: cell for name, cell in zip(SIDES, both, strict=True) if cell is not None}
            for strike, both in zip(strikes, zip(*sides, strict=True), strict=True)
        ],
    }


def head_of(quotes: Quotes, value: Valuation, measures: ChainMeasures, terms: Terms) -> dict[str, Any]:
    """Return what concerns the expiry; orjson writes NaN as null."""
    return {
        "expiry": measures.expiry.isoformat(),
        "ts_event": terms.as_of_ms,
        "ts_expiry": terms.expires_at_ms,
        "expired": terms.as_of_ms >= terms.expires_at_ms,
        "convention": "exact",
        "rate": terms.rate,
        "forward": measures.forward,
        "forward_source": measures.forward_source,
        "forward_pairs": value.forward.pairs,
        "spot": quotes.spot,
        "spot_ts": quotes.spot_ts or None,
        "spot_used": value.spot == value.spot,
        "spot_contradicts_parity": not terms.spot_is_trusted,
        "spot_age_ms": max(0, terms.as_of_ms - quotes.spot_ts) if quotes.spot_ts else None,
        "future": quotes.future,
        **{name: getattr(measures, name) for name in ("atm_strike", "atm_iv", "straddle", "pcr_oi", "pcr_volume")},
        "max_pain": measures.max_pain,
        **{name: whole(getattr(measures, name)) for name in ("call_oi", "put_oi", "call_volume", "put_volume")},
        "source": "bars",
        "epoch": None,
        "seq": None,
    }


def cells(
    quotes: Quotes, value: Valuation, side: int, shown: slice, at_ms: int, extra: dict[str, list[Any]]
) -> list[dict[str, Any] | None]:
    """Return one side's contracts, None where not listed; `extra` has the columns of what changed."""
    above = rungs_above(quotes.strike, value.forward.value)[shown].tolist()
    columns: dict[str, list[Any]] = {
        "mark": value.mark[side, shown].tolist(),
        "mark_source": [MARK_SOURCES[code] for code in value.mark_source[side, shown].tolist()],
        **{name: getattr(quotes, name)[side, shown].tolist() for name in ("last", "bid", "ask", "tick_size")},
        **{
            name: [whole(amount) for amount in getattr(quotes, name)[side, shown].tolist()]
            for name in ("volume", "oi", "bid_qty", "ask_qty")
        },
        "iv": value.iv[side, shown].tolist(),
        "iv_reason": [REASONS[code] for code in value.iv_reason[side, shown].tolist()],
        "greeks_iv_source": [IV_SOURCES[code] for code in value.greeks_iv_source[side, shown].tolist()],
        **{name: getattr(value.greeks, name)[side, shown].tolist() for name in GREEKS},
        "moneyness": [label("call", rungs if side == 0 else -rungs) for rungs in above],
        **extra,
        "oi_change": [whole(amount) for amount in extra["oi_change"]],
    }
    for stamp, age in (("last_ts", "age_ms"), ("quote_ts", "quote_age_ms"), ("oi_ts", "oi_age_ms")):
        stamps = getattr(quotes, stamp)[side, shown].tolist()
        columns[stamp] = [at or None for at in stamps]
        columns[age] = [max(0, at_ms - at) if at else None for at in stamps]
    columns["depth"] = depths(quotes, side, shown, at_ms)
    listed = quotes.listed[side, shown].tolist()
    rows = zip(*columns.values(), strict=True)
    return [dict(zip(columns, row, strict=True)) if there else None for there, row in zip(listed, rows, strict=True)]


def whole(amount: float) -> int | None:
    """Return an amount as JSON has it."""
    return None if amount != amount else round(amount)

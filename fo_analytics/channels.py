"""Channels of the socket: what a subscribe request means here."""

from collections.abc import Collection, Mapping
from typing import Any

from channels.db import database_sync_to_async

from fo_analytics.domain.calendar import to_ms
from fo_analytics.domain.chain import Convention
from fo_analytics.domain.document import Document, revalued, within_levels
from fo_analytics.domain.timeframes import MINUTES, timeframe_named
from fo_analytics.selectors.reference import find_underlying
from fo_analytics.selectors.strike_distribution import expiries_as_of
from fo_analytics.topics import bars_topic, chain_topic, underlying_topic
from streaming.authentication import Principal
from streaming.protocol import ProtocolError
from streaming.topics import Handler, Subscription
from tradingviz.core.errors import InvalidRequest, NotAvailable

MAX_LEVELS = 500
NAMES = frozenset({"underlying", "symbol"})

Params = Mapping[str, Any]


async def subscribe_chain(params: Params, principal: Principal) -> Subscription:
    """Follow one expiry's chain: `underlying`, `expiry` (label or date; the nearest), `levels`, `convention`."""
    del principal  # every signed-in user sees the market
    _refuse_unknown(params, NAMES | {"expiry", "levels", "convention"})
    levels, convention = _levels(params), _convention(params)
    symbol, expiry, rolls_at = await _asked(_expiry_of, params)

    def project(document: Document) -> Document:
        return within_levels(_valued(document, convention), levels)

    return Subscription(
        chain_topic(symbol, expiry),
        market=symbol,
        view_key=f"levels={levels}, {convention}",
        project=project,
        convention=convention,
        rolls_at=rolls_at,
        echo={"underlying": symbol, "expiry": expiry, "levels": levels, "convention": convention},
    )


async def subscribe_metrics(params: Params, principal: Principal) -> Subscription:
    """Follow the measures of one expiry's chain: `underlying`, `expiry` and `convention` as for the chain."""
    del principal
    _refuse_unknown(params, NAMES | {"expiry", "convention"})
    convention = _convention(params)
    symbol, expiry, rolls_at = await _asked(_expiry_of, params)
    return Subscription(
        f"metrics:{symbol}:{expiry}",
        source=chain_topic(symbol, expiry),
        market=symbol,
        view_key=f"head, {convention}",
        project=lambda document: dict(_valued(document, convention)["head"]),
        convention=convention,
        rolls_at=rolls_at,
        echo={"underlying": symbol, "expiry": expiry, "convention": convention},
    )


async def subscribe_underlying(params: Params, principal: Principal) -> Subscription:
    """Follow an underlying: its spot, official close, and which expiries are live."""
    del principal
    _refuse_unknown(params, NAMES)
    symbol = await _asked(_symbol_of, params)
    return Subscription(underlying_topic(symbol), market=symbol, echo={"underlying": symbol})


async def subscribe_bars(params: Params, principal: Principal) -> Subscription:
    """Follow the candle of an underlying that is being made: `underlying`, `timeframe` (default 1m)."""
    del principal
    _refuse_unknown(params, NAMES | {"timeframe"})
    timeframe = _timeframe(params)
    symbol = await _asked(_symbol_of, params)

    def project(document: Document) -> Document:
        return dict(document[timeframe])

    return Subscription(
        f"{bars_topic(symbol)}:{timeframe}",
        source=bars_topic(symbol),
        market=symbol,
        view_key=timeframe,
        project=project,
        echo={"underlying": symbol, "timeframe": timeframe},
    )


CHANNELS: Mapping[str, Handler] = {
    "chain": subscribe_chain,
    "metrics": subscribe_metrics,
    "underlying": subscribe_underlying,
    "bars": subscribe_bars,
}
"""By name. Each raises ProtocolError `invalid_parameter` or `not_available`."""


def _valued(document: Document, convention: Convention) -> Document:
    """Return a published chain under a convention; it is published under `exact`."""
    return document if convention is Convention.EXACT else revalued(document, convention)


def _refuse_unknown(params: Params, known: Collection[str]) -> None:
    if unknown := sorted(set(params) - set(known)):
        raise ProtocolError("invalid_parameter", f"unknown parameter {unknown[0]!r}")


def _levels(params: Params) -> int:
    levels = params.get("levels", 50)
    if type(levels) is not int or not 0 <= levels <= MAX_LEVELS:
        raise ProtocolError("invalid_parameter", f"levels is a whole number from 0 to {MAX_LEVELS}, not {levels!r}")
    return levels


def _convention(params: Params) -> Convention:
    name = params.get("convention", Convention.EXACT)
    if not isinstance(name, str) or name not in set(Convention):
        raise ProtocolError("invalid_parameter", f"convention is one of {', '.join(Convention)}, not {name!r}")
    return Convention(name)


def _timeframe(params: Params) -> str:
    name = params.get("timeframe", "1m")
    try:
        return timeframe_named(name if isinstance(name, str) else "")
    except ValueError as error:
        raise ProtocolError("invalid_parameter", f"timeframe is one of {', '.join(MINUTES)}, not {name!r}") from error


async def _asked(resolve: Any, params: Params) -> Any:
    """Return what `resolve` says of the parameters, asked in a thread; raises ProtocolError."""
    try:
        return await database_sync_to_async(resolve, thread_sensitive=False)(params)
    except InvalidRequest as error:
        valid = f" (valid: {', '.join(error.valid)})" if error.valid else ""
        raise ProtocolError("invalid_parameter", f"{error.detail}{valid}") from error
    except NotAvailable as error:
        raise ProtocolError("not_available", str(error)) from error


def _name(params: Params) -> str:
    name = params.get("underlying", params.get("symbol"))
    if not isinstance(name, str):
        raise InvalidRequest("underlying is a symbol such as NIFTY", field="underlying")
    return name


def _symbol_of(params: Params) -> str:
    """Return the canonical symbol."""
    return find_underlying(name=_name(params)).symbol


def _expiry_of(params: Params) -> tuple[str, str, int | None]:
    """Return the canonical symbol, the expiry's ISO date, and when a label will mean another one (ms UTC)."""
    name, label = _name(params), params.get("expiry")
    if not isinstance(label, str | None):
        raise InvalidRequest("expiry is a label or a date", field="expiry")
    underlying, table = expiries_as_of(underlying=name, at=None)
    expiry = table.nearest() if label is None else table.resolve(label)
    if expiry is None:
        raise InvalidRequest("no expiry of this underlying is listed", field="expiry")
    # Every label moves on when the nearest expiry is over.
    nearest = table.nearest() or expiry
    rolls_at = None if label == expiry.isoformat() else to_ms(table.calendar.expires_at(nearest))
    return underlying.symbol, expiry.isoformat(), rolls_at

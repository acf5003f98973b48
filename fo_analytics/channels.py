"""Channels of the socket: what a subscribe request means here."""

from collections.abc import Mapping
from typing import Any

from channels.db import database_sync_to_async

from fo_analytics.domain.document import Document, within_levels
from fo_analytics.selectors.strike_distribution import expiries_as_of
from fo_analytics.topics import chain_topic
from streaming.authentication import Principal
from streaming.protocol import ProtocolError
from streaming.topics import Subscription
from tradingviz.core.errors import InvalidRequest, NotAvailable

MAX_LEVELS = 500
KNOWN = frozenset({"underlying", "symbol", "expiry", "levels"})


async def subscribe_chain(params: Mapping[str, Any], principal: Principal) -> Subscription:
    """Follow one expiry's chain: `underlying`, `expiry` (label or date, default the nearest), `levels`.

    Raises ProtocolError `invalid_parameter` or `not_available`.
    """
    del principal  # every signed-in user sees the market
    levels = _levels(params)
    try:
        symbol, expiry = await database_sync_to_async(_resolve, thread_sensitive=False)(params)
    except InvalidRequest as error:
        valid = f" (valid: {', '.join(error.valid)})" if error.valid else ""
        raise ProtocolError("invalid_parameter", f"{error.detail}{valid}") from error
    except NotAvailable as error:
        raise ProtocolError("not_available", str(error)) from error

    def project(document: Document) -> Document:
        return within_levels(document, levels)

    echo = {"underlying": symbol, "expiry": expiry, "levels": levels}
    return Subscription(
        chain_topic(symbol, expiry), market=symbol, view_key=f"levels={levels}", project=project, echo=echo
    )


def _levels(params: Mapping[str, Any]) -> int:
    unknown = sorted(set(params) - KNOWN)
    if unknown:
        raise ProtocolError("invalid_parameter", f"unknown parameter {unknown[0]!r}")
    levels = params.get("levels", 50)
    if type(levels) is not int or not 0 <= levels <= MAX_LEVELS:
        raise ProtocolError("invalid_parameter", f"levels is a whole number from 0 to {MAX_LEVELS}, not {levels!r}")
    return levels


def _resolve(params: Mapping[str, Any]) -> tuple[str, str]:
    """Return the canonical symbol and the expiry's ISO date."""
    name, label = params.get("underlying", params.get("symbol")), params.get("expiry")
    if not isinstance(name, str):
        raise InvalidRequest("underlying is a symbol such as NIFTY", field="underlying")
    if not isinstance(label, str | None):
        raise InvalidRequest("expiry is a label or a date", field="expiry")
    underlying, table = expiries_as_of(underlying=name, at=None)
    expiry = table.nearest() if label is None else table.resolve(label)
    if expiry is None:
        raise InvalidRequest("no expiry of this underlying is listed", field="expiry")
    return underlying.symbol, expiry.isoformat()

"""What accounts ask of the market, which stands on a higher floor and registers itself."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Quote:
    """What is known of an instrument: its last price (rupees; None: not known), of when (ms UTC), and its expiry."""

    last: Decimal | None
    ts: int | None
    expiry: date | None = None


class Market(Protocol):
    """Who knows prices and sessions."""

    def quotes(self, tokens: Collection[int]) -> Mapping[int, Quote]:
        """Return what is known of instruments by their tokens; unknown ones are absent."""

    def is_session(self, day: date) -> bool:
        """Return whether a date is a session of any exchange."""


class _NoMarket:
    """Before anybody registers: no prices, and every day may be a session."""

    def quotes(self, tokens: Collection[int]) -> Mapping[int, Quote]:
        """Return nothing."""
        return {}

    def is_session(self, day: date) -> bool:
        """Return that it may be one."""
        return True


_market: list[Market] = [_NoMarket()]


def register(market: Market) -> None:
    """Let a market answer from now on."""
    _market[0] = market


def market() -> Market:
    """Return whom to ask."""
    return _market[0]

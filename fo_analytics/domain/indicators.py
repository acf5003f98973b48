"""What series can be of: the one table of names, units and meanings. Whatever asks for a series by name looks here."""

from dataclasses import dataclass
from enum import StrEnum

MARK = "mark"


class Of(StrEnum):
    """What an indicator describes."""

    CONTRACT = "contract"  # one call or put
    CHAIN = "chain"  # all contracts of an expiry


@dataclass(frozen=True, slots=True)
class Indicator:
    """A number over time; `name` is also its column, but for the mark, which is made of quotes and price."""

    name: str
    of: Of
    unit: str
    meaning: str
    aliases: tuple[str, ...] = ()


def _contract(name: str, unit: str, meaning: str, *aliases: str) -> Indicator:
    return Indicator(name, Of.CONTRACT, unit, meaning, aliases)


def _chain(name: str, unit: str, meaning: str, *aliases: str) -> Indicator:
    return Indicator(name, Of.CHAIN, unit, meaning, aliases)


INDICATORS = (
    _contract("iv", "fraction a year", "implied volatility of the contract itself, at the bucket's close"),
    _contract("delta", "per rupee", "change of the price with the forward's present value"),
    _contract("gamma", "per rupee squared", "change of delta with the forward's present value"),
    _contract("theta", "rupees a calendar day", "change of the price with time"),
    _contract("vega", "rupees a volatility point", "change of the price with volatility"),
    _contract("rho", "rupees for 1 % of rate", "change of the price with the rate"),
    _contract("oi", "units", "open interest, the last seen"),
    _contract("volume", "units", "traded in the bucket"),
    _contract(MARK, "rupees", "mid of a tight quote, else the last price clamped into what is quoted"),
    _contract("open", "rupees", "first price of the bucket"),
    _contract("high", "rupees", "highest price of the bucket"),
    _contract("low", "rupees", "lowest price of the bucket"),
    _contract("close", "rupees", "last price of the bucket", "ltp"),
    _contract("bid", "rupees", "best bid, the last seen"),
    _contract("ask", "rupees", "best ask, the last seen"),
    _chain("spot", "rupees", "value of the underlying"),
    _chain("forward", "rupees", "forward of the expiry, as the chain implies it"),
    _chain("atm_strike", "rupees", "listed strike nearest the forward"),
    _chain("atm_iv", "fraction a year", "implied volatility at the money"),
    _chain("straddle", "rupees", "mark of call and put at the money together"),
    _chain("call_oi", "units", "open interest of all calls"),
    _chain("put_oi", "units", "open interest of all puts"),
    _chain("call_volume", "units", "volume of the day so far, all calls"),
    _chain("put_volume", "units", "volume of the day so far, all puts"),
    _chain("pcr_oi", "ratio", "open interest of puts over calls, all strikes", "pcr"),
    _chain("pcr_volume", "ratio", "volume of puts over calls, all strikes"),
    _chain("max_pain", "rupees", "listed strike at which the options together are worth least"),
)

_BY_NAME = {name: item for item in INDICATORS for name in (item.name, *item.aliases)}

METRICS = tuple(item.name for item in INDICATORS if item.of is Of.CHAIN)
"""Columns of a chain's minute."""


def indicator_named(name: str) -> Indicator:
    """Return the indicator of a name or alias. Raises ValueError naming those there are."""
    found = _BY_NAME.get(name)
    if found is None:
        raise ValueError(f"unknown indicator {name!r}: {', '.join(item.name for item in INDICATORS)}")
    return found

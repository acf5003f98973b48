"""What an expired contract is settled at: by the official close of its underlying, never by its last tick.

Source: NSE Clearing. Index derivatives settle in cash at the closing value of the index, stock derivatives by delivery
of shares (futures, and options in the money).
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from strategies.domain.legs import Contract, Freeze, Kind, Leg, LegError, Settlement
from strategies.domain.money import difference


class Source(StrEnum):
    """Whose price a settlement was made from."""

    OFFICIAL_CLOSE = "official_close"
    LAST_SPOT = "last_spot"


def intrinsic(contract: Contract, close: Decimal) -> Decimal:
    """Return what one unit is worth at expiry where the underlying closes at `close`; rupees. A future: the close.

    Raises LegError for a share, which does not expire.
    """
    if contract.kind is Kind.EQUITY:
        raise LegError("a share does not expire")
    if contract.strike is None:
        return close
    beyond = difference(close, contract.strike)
    return max(beyond if contract.kind is Kind.CALL else difference(contract.strike, close), Decimal(0))


def settlement_of(
    contract: Contract, *, at: datetime, official_close: Decimal | None, last_spot: Decimal | None = None
) -> Settlement | None:
    """Return the settlement of a contract that expired at `at` (aware).

    By the official close of its underlying on that day; while that is not known provisionally by the last spot; None
    where neither is known. Rupees. Raises LegError for a share.
    """
    close, source = official_close, Source.OFFICIAL_CLOSE
    if close is None:
        close, source = last_spot, Source.LAST_SPOT
    if close is None:
        return None
    price = intrinsic(contract, close)
    delivered = not contract.is_index and (contract.kind is Kind.FUTURE or price > 0)
    return Settlement(price, at, source.value, source is not Source.OFFICIAL_CLOSE, delivered)


def settle(leg: Leg, settlement: Settlement | None) -> Leg:
    """Return the leg settled; unchanged where nothing is to be settled: no price, nothing open, frozen, or finally
    settled. Safe to call again."""
    done = leg.settlement is not None and not leg.settlement.provisional
    if settlement is None or done or leg.frozen is not None or not leg.open_lots:
        return leg
    return leg.settle(settlement)


def freeze_for_corporate_action(leg: Leg, *, at: datetime, action: str, last_price: Decimal | None) -> Leg:
    """Return the leg frozen at its last price before the action (None: none is known); unchanged where nothing is open.

    Strike, lot and price of the contract are other ones from then on: nothing computed from the old terms is true.
    """
    if leg.frozen is not None or not leg.open_lots:
        return leg
    return leg.freeze(Freeze(at, f"corporate_action: {action}", last_price))

"""Legs as they are or as they might be, and the market they are looked at in."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from fo_analytics.domain.calendar import from_ms, ist_date
from fo_analytics.models import Instrument
from strategies.domain.legs import Contract, Fill, Leg, LegError, Side
from strategies.domain.money import price_of
from strategies.domain.payoff import PayoffError, one_underlying, what_if
from strategies.selectors.instruments import lot_sizes
from strategies.selectors.legs import contract_of, leg_of, stored_legs
from strategies.selectors.markets import MarketView, market_view
from tradingviz.core.errors import InvalidRequest, NotAvailable


@dataclass(frozen=True, slots=True)
class Added:
    """A leg that might be opened now. `price` rupees, None: at the mark."""

    instrument: Instrument
    side: Side
    lots: int
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class Closed:
    """Lots of a leg (its key) that might be closed now; None: all of them, at the mark."""

    leg_id: int
    lots: int | None
    price: Decimal | None


@dataclass(frozen=True)
class Case:
    """Legs; `leg_ids` of the stored ones, None for those that are only thought of.

    `view` is the market; None where nothing is open or nothing is known of it, and then `why` says so.
    """

    legs: tuple[Leg, ...]
    leg_ids: tuple[int | None, ...]
    view: MarketView | None
    why: str | None

    @cached_property
    def priced(self) -> list[Leg]:
        """Return the legs that the market still prices. Raises PayoffError as `one_underlying`."""
        return one_underlying(self.legs)

    def market_with_spot(self) -> MarketView:
        """Return the market. Raises NotAvailable where nothing is known of it, or no price of the underlying is."""
        if self.view is None:
            raise NotAvailable(self.why or "nothing is open: no market is needed")
        if math.isnan(self.view.market.spot):
            raise NotAvailable(f"neither a spot nor a forward of {self.view.underlying} is known")
        return self.view


def stored_case(*, strategy_id: int, added: Sequence[Added] = (), closed: Sequence[Closed] = (), now_ms: int) -> Case:
    """Return the legs of a strategy in the market as it is now, with some added and some closed.

    Raises PayoffError for several underlyings or a frozen leg, InvalidRequest for what cannot be added or closed.
    """
    rows = stored_legs().filter(strategy_id=strategy_id)
    return case(saved={row.pk: leg_of(row) for row in rows}, added=added, closed=closed, now_ms=now_ms)


def case(*, saved: Mapping[int, Leg], added: Sequence[Added] = (), closed: Sequence[Closed] = (), now_ms: int) -> Case:
    """Return legs by their keys, with some added and some closed, in the market as it is now; raises as `stored_case`.

    What is added and closed is traded at the market's newest instant, without a market at `now_ms` (UTC).
    """
    contracts = [_contract(place, one.instrument) for place, one in enumerate(added)]
    legs = tuple(saved.values())
    priced = [leg.contract for leg in one_underlying(legs)]
    wanted = list({contract.key: contract for contract in (*priced, *contracts)}.values())
    if len({contract.underlying for contract in wanted}) > 1:
        raise PayoffError("the legs have several underlyings: there is no payoff of one price")
    view, why = _market(wanted)
    at = from_ms(view.market.as_of_ms if view else now_ms)
    desk = _Desk(view, at, _lots(added, at))
    new = tuple(desk.opened(place, one, contracts[place]) for place, one in enumerate(added))
    after = what_if(legs, added=new, closed=desk.exits(saved, closed))
    return Case(after, (*saved, *(None for _ in new)), view, why)


def _lots(added: Sequence[Added], at: datetime) -> dict[int, int]:
    instruments = [one.instrument for one in added]
    return lot_sizes(instruments=instruments, day=ist_date(at)) if instruments else {}


def _market(contracts: Sequence[Contract]) -> tuple[MarketView | None, str | None]:
    if not contracts:
        return None, None
    try:
        return market_view(contracts=contracts), None
    except NotAvailable as error:
        return None, str(error)


def _contract(place: int, instrument: Instrument) -> Contract:
    try:
        return contract_of(instrument)
    except LegError as error:
        raise InvalidRequest(str(error), field=f"legs.{place}") from error


@dataclass(frozen=True, slots=True)
class _Desk:
    """Where what is only thought of is traded: at marks, at one instant."""

    view: MarketView | None
    at: datetime
    lot_sizes: Mapping[int, int]

    def opened(self, place: int, one: Added, contract: Contract) -> Leg:
        """Return the leg. Raises InvalidRequest where it cannot be, or has no price."""
        field = f"legs.{place}"
        price = one.price or self._mark(contract, field)
        try:
            entry = Fill(one.lots, price, self.at)
            return Leg(contract=contract, side=one.side, lot_size=self.lot_sizes[contract.key], entry=entry)
        except LegError as error:
            raise InvalidRequest(str(error), field=field) from error

    def exits(self, saved: Mapping[int, Leg], closed: Sequence[Closed]) -> dict[int, Fill]:
        """Return the exits by the places of their legs. Raises InvalidRequest for one that cannot be."""
        places = {leg_id: place for place, leg_id in enumerate(saved)}
        found: dict[int, Fill] = {}
        for at, one in enumerate(closed):
            field = f"exits.{at}"
            if one.leg_id not in places or places[one.leg_id] in found:
                raise InvalidRequest("no leg of this strategy, or one named twice", field=f"{field}.leg")
            found[places[one.leg_id]] = self._exit(saved[one.leg_id], one, field)
        return found

    def _exit(self, leg: Leg, one: Closed, field: str) -> Fill:
        lots = one.lots or leg.open_lots
        if not lots:
            raise InvalidRequest("nothing of the leg is open", field=field)
        price = one.price or self._mark(leg.contract, field)
        try:
            fill = Fill(lots, price, max(self.at, leg.states()[-1].since))
            leg.exit(fill)
        except LegError as error:
            raise InvalidRequest(str(error), field=field) from error
        return fill

    def _mark(self, contract: Contract, field: str) -> Decimal:
        shown = self.view.shown.get(contract.key) if self.view else None
        if shown is None or not shown.price > 0:
            raise InvalidRequest("there is no price of this contract to trade at: give one", field=f"{field}.price")
        return price_of(shown.price)

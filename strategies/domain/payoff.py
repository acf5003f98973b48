"""What a strategy pays at the expiry that all its options share: exact, a straight line between strikes.

Everything is a Fraction, rupees: break-evens are where the payoff is 0, not nearly so. Realised gains are part of it.
Strategies over several expiries have no such line: see `scenarios`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from statistics import NormalDist
from typing import NamedTuple

from strategies.domain.legs import Fill, Kind, Leg, Side
from strategies.domain.positions import realised_exactly


class PayoffError(ValueError):
    """These legs have no payoff of one variable at one instant."""


class Span(NamedTuple):
    """Prices of the underlying between two bounds, rupees; `high` None: without end."""

    low: Fraction
    high: Fraction | None


@dataclass(frozen=True, slots=True)
class Payoff:
    """A payoff over the underlying's price at expiry S ≥ 0, rupees.

    `knots`: 0 and the strikes, ascending. `values` there. `slope` beyond the last knot, rupees per rupee.
    """

    knots: tuple[Fraction, ...]
    values: tuple[Fraction, ...]
    slope: Fraction

    def at(self, spot: Fraction) -> Fraction:
        """Return the payoff where the underlying closes at `spot`. Raises ValueError below 0."""
        if spot < 0:
            raise ValueError("the underlying cannot be below 0")
        place = max(i for i, knot in enumerate(self.knots) if knot <= spot)
        return self.values[place] + self._slope_after(place) * (spot - self.knots[place])

    @property
    def max_profit(self) -> Fraction | None:
        """Return the largest payoff; None: unlimited."""
        return None if self.slope > 0 else max(self.values)

    @property
    def max_loss(self) -> Fraction | None:
        """Return the smallest payoff (below 0: a loss); None: unlimited."""
        return None if self.slope < 0 else min(self.values)

    @property
    def break_evens(self) -> tuple[Fraction, ...]:
        """Return where the payoff is 0, ascending; of a stretch on which it is 0 only its ends."""
        found = {knot for knot, value in zip(self.knots, self.values, strict=True) if value == 0}
        for place, value in enumerate(self.values):
            root = self._root_after(place, value)
            if root is not None:
                found.add(root)
        return tuple(sorted(root for root in found if not self._is_inside_flat(root)))

    @property
    def profitable(self) -> tuple[Span, ...]:
        """Return the open spans in which the payoff is above 0, joined where they meet at a point above 0."""
        bounds = [*sorted({Fraction(0), *self.break_evens}), None]
        return tuple(Span(low, high) for low, high in pairwise(bounds) if low is not None and self._sign(low, high) > 0)

    def _slope_after(self, place: int) -> Fraction:
        if place == len(self.knots) - 1:
            return self.slope
        rise = self.values[place + 1] - self.values[place]
        return rise / (self.knots[place + 1] - self.knots[place])

    def _root_after(self, place: int, value: Fraction) -> Fraction | None:
        """The zero strictly inside the stretch after a knot."""
        slope = self._slope_after(place)
        if slope == 0:
            return None
        root = self.knots[place] - value / slope
        ends = self.knots[place + 1] if place + 1 < len(self.knots) else None
        return root if root > self.knots[place] and (ends is None or root < ends) else None

    def _is_inside_flat(self, root: Fraction) -> bool:
        """Whether the payoff is 0 on both sides of a knot."""
        if root not in self.knots or root == 0:
            return False
        place = self.knots.index(root)
        return self._slope_after(place) == 0 and self._slope_after(place - 1) == 0

    def _sign(self, low: Fraction, high: Fraction | None) -> int:
        """The sign of the payoff between two neighbouring break-evens, where it has only one."""
        middle = low + 1 if high is None else (low + high) / 2
        value = self.at(middle)
        return (value > 0) - (value < 0)


def payoff(legs: Sequence[Leg]) -> Payoff:
    """Return the payoff at the expiry that all open legs share; shares are worth the underlying's price.

    Raises PayoffError for several underlyings or expiries, and for frozen legs. Provisionally settled legs count with
    their provisional price.
    """
    open_legs = one_underlying(legs)
    if len({leg.contract.expiry for leg in open_legs if leg.contract.kind is not Kind.EQUITY}) > 1:
        raise PayoffError("the legs expire on several days: there is no one payoff at expiry")
    knots = sorted({Fraction(0), *(Fraction(leg.contract.strike) for leg in open_legs if leg.contract.strike)})
    base = realised_exactly(legs) + pinned_gains(legs)
    values = tuple(base + sum((_gain(leg, knot) for leg in open_legs), Fraction(0)) for knot in knots)
    beyond = [leg for leg in open_legs if leg.contract.kind is not Kind.PUT]
    return Payoff(tuple(knots), values, Fraction(sum(leg.signed_units for leg in beyond)))


def one_underlying(legs: Sequence[Leg]) -> list[Leg]:
    """Return the legs that the market still prices. Raises PayoffError for several underlyings or a frozen leg."""
    if any(leg.frozen is not None for leg in legs):
        raise PayoffError("a leg is frozen by a corporate action: what it pays is not known")
    found = [leg for leg in legs if leg.open_lots and not leg.states()[-1].pinned]
    if len({leg.contract.underlying for leg in found}) > 1:
        raise PayoffError("the legs have several underlyings: there is no payoff of one price")
    return found


def pinned_gains(legs: Sequence[Leg]) -> Fraction:
    """Return what provisionally settled legs gained, rupees."""
    total = Fraction(0)
    for leg in legs:
        state = leg.states()[-1]
        if state.pinned and state.fixed is not None:
            total += leg.side.sign * leg.lot_size * (state.fixed * state.lots - state.cost)
    return total


def cost_of(leg: Leg) -> Fraction:
    """Return what the open part of a leg cost, rupees, negative where sold."""
    return leg.side.sign * leg.lot_size * leg.states()[-1].cost


def probability_of_profit(payoff: Payoff, *, forward: float, sigma: float, years: float) -> float:
    """Return the probability that the payoff at expiry is above 0, the underlying log-normal with mean `forward`.

    forward rupees; sigma fraction a year (0.13 = 13 %); years of 365 days. ln S is normal with mean ln F − σ²T/2 and
    deviation σ√T, so P(S > x) = N(d₂). NaN where one of them is not a positive number.
    """
    deviation = sigma * math.sqrt(years) if years > 0 else math.nan
    if not (forward > 0 and 0 < deviation < math.inf):
        return math.nan
    return sum(
        above(float(span.low), forward, deviation)
        - (0.0 if span.high is None else above(float(span.high), forward, deviation))
        for span in payoff.profitable
    )


def above(spot: float, forward: float, deviation: float) -> float:
    """Return P(S > spot) of a log-normal S with mean `forward` and deviation of ln S `deviation`."""
    if spot <= 0:
        return 1.0
    return NormalDist().cdf((math.log(forward / spot) - deviation * deviation / 2) / deviation)


def what_if(
    legs: Sequence[Leg], *, added: Sequence[Leg] = (), closed: dict[int, Fill] | None = None
) -> tuple[Leg, ...]:
    """Return the legs as they would be with others added and some closed (place → the exit). Raises as Leg.exit."""
    exits = closed or {}
    kept = [leg.exit(exits[place]) if place in exits else leg for place, leg in enumerate(legs)]
    return (*kept, *added)


def opposite(leg: Leg) -> Leg:
    """Return the leg traded the other way round."""
    return replace(leg, side=Side.SELL if leg.side is Side.BUY else Side.BUY)


def _gain(leg: Leg, spot: Fraction) -> Fraction:
    """What an open leg gains where the underlying closes at `spot`, rupees."""
    return leg.signed_units * _worth(leg, spot) - cost_of(leg)


def _worth(leg: Leg, spot: Fraction) -> Fraction:
    if leg.contract.strike is None:
        return spot
    strike = Fraction(leg.contract.strike)
    beyond = spot - strike if leg.contract.kind is Kind.CALL else strike - spot
    return max(beyond, Fraction(0))

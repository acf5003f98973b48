"""Well-known strategies from a chain: which contracts, which way, how many; strikes by rungs or by delta.

A ladder is one expiry's columns. Strikes are listed ones, never computed; where the ladder is too short, or the
contract not listed, that is an error and nothing near it is taken.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np

from fo_analytics.domain import moneyness
from fo_analytics.domain.chain import CALL, PUT
from fo_analytics.domain.ticks import Floats, Mask
from strategies.domain.legs import Kind, Side


class TemplateError(ValueError):
    """The chain does not hold what the template needs."""


class LadderTooShort(TemplateError):
    """The strike would be beyond the listed ones."""


class NotListed(TemplateError):
    """The strike is listed, but not this side of it."""


class NoDelta(TemplateError):
    """No contract of that side has a delta."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """One expiry of a chain of k strikes, ascending: rupees; `listed` and `delta` (2, k) of calls and puts; delta NaN
    where it is not known. `forward` rupees, NaN where there is none."""

    expiry: date
    strike: Floats
    listed: Mask
    delta: Floats
    forward: float


@dataclass(frozen=True, slots=True)
class Level:
    """So many rungs out of the money; negative: in the money; 0: at it."""

    rungs: int


@dataclass(frozen=True, slots=True)
class Delta:
    """The listed strike whose |delta| is nearest; of two the one farther out of the money. In (0, 1)."""

    size: float

    def __post_init__(self) -> None:
        if not 0 < self.size < 1:
            raise TemplateError(f"the size of a delta lies between 0 and 1, not {self.size}")


Place = Level | Delta


class TemplateLeg(NamedTuple):
    """One leg to be traded; strike in rupees."""

    kind: Kind
    side: Side
    expiry: date
    strike: float
    lots: int


def pick(ladder: Ladder, kind: Kind, place: Place) -> float:
    """Return the strike at a place. Raises LadderTooShort, NotListed, NoDelta, TemplateError without a forward."""
    row = _row(kind)
    if isinstance(place, Delta):
        return _by_delta(ladder, row, place.size)
    atm = moneyness.atm_strike(ladder.strike, ladder.forward)
    if math.isnan(atm):
        raise TemplateError("without a forward no strike is at the money")
    return _listed(ladder, kind, float(moneyness.strike_at(ladder.strike, atm, place.rungs, row == CALL)))


def beyond(ladder: Ladder, kind: Kind, strike: float, rungs: int) -> float:
    """Return the strike `rungs` farther out of the money than a listed one. Raises LadderTooShort or NotListed."""
    return _listed(ladder, kind, float(moneyness.strike_at(ladder.strike, strike, rungs, kind is Kind.CALL)))


def straddle(ladder: Ladder, *, side: Side, lots: int, place: Place = Level(0)) -> tuple[TemplateLeg, ...]:
    """Return a call and a put of one strike, that of the call at `place`."""
    strike = pick(ladder, Kind.CALL, place)
    put = _listed(ladder, Kind.PUT, strike)
    return _leg(Kind.CALL, side, ladder, strike, lots), _leg(Kind.PUT, side, ladder, put, lots)


def strangle(ladder: Ladder, *, side: Side, lots: int, place: Place) -> tuple[TemplateLeg, ...]:
    """Return a call and a put, each at `place` on its side. Raises TemplateError where they are not apart."""
    call, put = pick(ladder, Kind.CALL, place), pick(ladder, Kind.PUT, place)
    if call <= put:
        raise TemplateError(f"the call's strike {call:g} is not above the put's {put:g}")
    return _leg(Kind.CALL, side, ladder, call, lots), _leg(Kind.PUT, side, ladder, put, lots)


def vertical(ladder: Ladder, *, kind: Kind, bought: Place, sold: Place, lots: int) -> tuple[TemplateLeg, ...]:
    """Return a spread of two calls or two puts. Raises TemplateError where both are the same strike."""
    long, short = pick(ladder, kind, bought), pick(ladder, kind, sold)
    if long == short:
        raise TemplateError(f"both legs would be at {long:g}")
    return _leg(kind, Side.BUY, ladder, long, lots), _leg(kind, Side.SELL, ladder, short, lots)


def iron_condor(ladder: Ladder, *, body: Place, wing: int, lots: int) -> tuple[TemplateLeg, ...]:
    """Return a strangle sold at `body` and one bought `wing` (≥ 1) rungs farther out."""
    if wing < 1:
        raise TemplateError(f"a wing is at least one rung out, not {wing}")
    sold = strangle(ladder, side=Side.SELL, lots=lots, place=body)
    bought = (_leg(leg.kind, Side.BUY, ladder, beyond(ladder, leg.kind, leg.strike, wing), lots) for leg in sold)
    return (*sold, *bought)


def calendar(near: Ladder, far: Ladder, *, kind: Kind, place: Place, lots: int) -> tuple[TemplateLeg, ...]:
    """Return an option sold in the near expiry and one of the same strike bought in the far one.

    Raises TemplateError where `far` is not later, LadderTooShort or NotListed where the strike is not in both.
    """
    if far.expiry <= near.expiry:
        raise TemplateError(f"the far expiry {far.expiry} is not after the near one {near.expiry}")
    strike = pick(near, kind, place)
    later = _listed(far, kind, strike)
    return _leg(kind, Side.SELL, near, strike, lots), _leg(kind, Side.BUY, far, later, lots)


TEMPLATES: dict[str, Callable[..., tuple[TemplateLeg, ...]]] = {
    "straddle": straddle,
    "strangle": strangle,
    "vertical": vertical,
    "iron_condor": iron_condor,
    "calendar": calendar,
}


def _leg(kind: Kind, side: Side, ladder: Ladder, strike: float, lots: int) -> TemplateLeg:
    if lots < 1:
        raise TemplateError(f"at least one lot is needed, not {lots}")
    return TemplateLeg(kind, side, ladder.expiry, strike, lots)


def _row(kind: Kind) -> int:
    if not kind.is_option:
        raise TemplateError(f"a template needs calls or puts, not {kind.value}")
    return CALL if kind is Kind.CALL else PUT


def _listed(ladder: Ladder, kind: Kind, strike: float) -> float:
    """The strike, where that contract is listed; NaN is beyond the ladder."""
    if math.isnan(strike):
        span = f"{ladder.strike[0]:g} to {ladder.strike[-1]:g}" if len(ladder.strike) else "no strikes"
        raise LadderTooShort(f"{ladder.expiry} lists {span}: too few for this template")
    at = np.flatnonzero(ladder.strike == strike)
    if not len(at) or not ladder.listed[_row(kind), at[0]]:
        raise NotListed(f"{ladder.expiry} {strike:g} {kind.value} is not listed")
    return strike


def _by_delta(ladder: Ladder, row: int, size: float) -> float:
    delta = np.where(ladder.listed[row], np.abs(ladder.delta[row]), np.nan)
    if np.isnan(delta).all():
        raise NoDelta(f"no {'call' if row == CALL else 'put'} of {ladder.expiry} has a delta")
    distance = np.abs(delta - size)
    nearest = np.flatnonzero(distance == np.nanmin(distance))
    known = delta[~np.isnan(delta)]
    if not known.min() <= size <= known.max():
        raise LadderTooShort(f"the deltas of {ladder.expiry} reach from {known.min():.3f} to {known.max():.3f}")
    return float(ladder.strike[nearest[-1] if row == CALL else nearest[0]])

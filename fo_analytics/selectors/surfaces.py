"""The surface on a grid, and where it offers an arbitrage."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fo_analytics.domain.surface import Surface, calendar_arbitrage, smile_butterfly_arbitrage, surface
from fo_analytics.selectors.analytics import Insight, Json, lasting

DEVIATIONS = "deviations"
DAYS_A_YEAR = 365.0


@dataclass(frozen=True, slots=True)
class Grid:
    """Where a surface is looked at: `points` even steps from −width to width of ln(K/F), or of standard deviations.

    Tolerances: `calendar` of total variance, `butterfly` in rupees."""

    axis: str
    width: float
    points: int
    calendar: float
    butterfly: float

    @property
    def values(self) -> list[float]:
        """Return the coordinates, ascending and exactly symmetric."""
        half = np.linspace(-self.width, self.width, self.points)
        return [float(value) for value in (half - half[::-1]) / 2]


def surface_answer(*, chains: Sequence[Insight], grid: Grid, days: Sequence[float]) -> Json:
    """Return the surface: at the listed expiries with flags, and at maturities of so many days where `days` names any.

    Flags are those of the listed expiries: `calendar` per point of the grid (null where the smile does not reach),
    `butterfly` the listed strikes whose option costs more than its neighbours.
    """
    alive = lasting(chains=chains)
    smiles = [insight.chain.smile for insight in alive]
    standardised = grid.axis == DEVIATIONS
    listed = surface(smiles, grid.values, standardised=standardised)
    between = surface(smiles, grid.values, years=np.array(days) / DAYS_A_YEAR, standardised=standardised)
    place = {insight.chain.expiry: at for at, insight in enumerate(alive)}
    expiries = [
        {**insight.head(), **_listed(alive, place.get(insight.chain.expiry), listed, grid)} for insight in chains
    ]
    maturities = [{"days": day, "years": day / DAYS_A_YEAR, **_row(between, at)} for at, day in enumerate(days)]
    return {"grid": grid.values, "expiries": expiries, "maturities": maturities}


def _listed(alive: Sequence[Insight], at: int | None, listed: Surface, grid: Grid) -> Json:
    """Return a listed expiry's row, nulls where its time is up."""
    if at is None:
        nothing = [None] * grid.points
        names = ("log_moneyness", "iv", "total_variance", "calendar_arbitrage")
        return {"atm_iv": None, **dict.fromkeys(names, nothing), "butterfly_arbitrage": []}
    smiles = [insight.chain.smile for insight in alive[: at + 1]]
    falls = calendar_arbitrage(smiles, listed.log_moneyness[at], tolerance=grid.calendar)[at].tolist()
    known = ~np.isnan(listed.total_variance[at])
    dear = smile_butterfly_arbitrage(smiles[at], tolerance=grid.butterfly)
    return {
        "atm_iv": smiles[at].atm_iv,
        **_row(listed, at),
        "calendar_arbitrage": [flag if is_known else None for flag, is_known in zip(falls, known, strict=True)],
        "butterfly_arbitrage": smiles[at].strike[dear].tolist(),
    }


def _row(found: Surface, at: int) -> Json:
    return {
        "log_moneyness": found.log_moneyness[at].tolist(),
        "iv": found.sigma[at].tolist(),
        "total_variance": found.total_variance[at].tolist(),
    }

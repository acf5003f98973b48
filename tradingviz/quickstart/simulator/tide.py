"""What all contracts of an underlying have in common: where its spot is, and how much it is expected to move."""

from dataclasses import dataclass

import numpy as np

from fo_analytics.domain.calendar import YEAR_MS
from tradingviz.quickstart.simulator import noise
from tradingviz.quickstart.simulator.noise import Floats, Ints
from tradingviz.quickstart.simulator.underlyings import SHAPES

_MARKET, _BANKS = 1000, 1001
_SPOT_LEVELS = {"finest": 0, "coarsest": 22}
_VOLATILITY_LEVELS = {"finest": 6, "coarsest": 19}
_VOLATILITY_SEED = 1 << 32


def column(name: str) -> Floats:
    """Return a term of all underlyings, in their order."""
    return np.array([getattr(shape, name) for shape in SHAPES], np.float64)


_SPOT, _VOLATILITY, _WITH_ALL, _WITH_BANKS = (column(name) for name in ("spot", "volatility", "market", "banks"))
_ALONE = np.sqrt(np.maximum(0.0, 1.0 - _WITH_ALL**2 - _WITH_BANKS**2))
_EACH = range(len(SHAPES))


@dataclass(frozen=True, slots=True)
class Tide:
    """Spots (rupees), and variances a year, of now and those expected later; each (m, underlyings) of m instants."""

    spot: Floats
    now: Floats
    later: Floats


def tide(seed: int, ts: Ints) -> Tide:
    """Return the state at m instants (ms UTC)."""
    seconds = np.asarray(ts)[:, None] / 1000.0
    motion = noise.brownian(seed, [_MARKET, _BANKS, *_EACH], seconds, **_SPOT_LEVELS)
    moved = _WITH_ALL * motion[:, :1] + _WITH_BANKS * motion[:, 1:2] + _ALONE * motion[:, 2:]
    log = _VOLATILITY * moved / np.sqrt(YEAR_MS / 1000.0)
    swing = noise.brownian(seed + _VOLATILITY_SEED, [_MARKET, *_EACH], seconds, **_VOLATILITY_LEVELS)
    swing /= noise.spread(_VOLATILITY_LEVELS["coarsest"])
    # Volatility rises where prices fall.
    tension = 0.2 * swing[:, :1] + 0.08 * swing[:, 1:] - 2.5 * log
    return Tide(_SPOT * np.exp(log), _VOLATILITY**2 * np.exp(2 * tension), (1.08 * _VOLATILITY) ** 2 * np.exp(tension))

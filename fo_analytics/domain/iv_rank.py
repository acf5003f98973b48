"""Where a volatility stands among those of the days before: IV rank and IV percentile.

Both take a value, any shape, and its window of daily values, the same shape and one axis more at the end, in one unit.
A NaN of a window is a day without a value and left out. NaN where the value is, and where fewer than `fewest` days
are known: a rank among few days says nothing.
"""

import numpy as np
import numpy.typing as npt

from fo_analytics.domain.ticks import Floats, Mask

FEWEST_DAYS = 20


def iv_rank(value: npt.ArrayLike, window: npt.ArrayLike, *, fewest: int = FEWEST_DAYS) -> Floats:
    """100 · (value − lowest) / (highest − lowest), lowest and highest being those of the window and the value.

    So 0 is the lowest volatility of all and 100 the highest, never beyond. NaN, besides the module's rules, where
    all are equal: there is no range to stand in.
    """
    values, days = _arrays(value, window)
    with_value = np.concatenate([days, values[..., None]], axis=-1)
    low = np.fmin.reduce(with_value, axis=-1)
    spread = np.fmax.reduce(with_value, axis=-1) - low
    defined = _enough(days, fewest) & (spread > 0)
    return np.asarray(100.0 * (values - low) / np.where(defined, spread, np.nan))


def iv_percentile(value: npt.ArrayLike, window: npt.ArrayLike, *, fewest: int = FEWEST_DAYS) -> Floats:
    """The share of the window's known days, in per cent, whose volatility was *below* the value.

    An equal day is not below. 0 to 100, whatever the sizes of the differences.
    """
    values, days = _arrays(value, window)
    below = (days < values[..., None]).sum(axis=-1)
    known = (~np.isnan(days)).sum(axis=-1)
    defined = _enough(days, fewest) & ~np.isnan(values)
    return np.asarray(100.0 * below / np.where(defined, known, np.nan))


def _arrays(value: npt.ArrayLike, window: npt.ArrayLike) -> tuple[Floats, Floats]:
    values, days = np.asarray(value, dtype=np.float64), np.asarray(window, dtype=np.float64)
    if days.shape[:-1] != values.shape or days.ndim == 0:
        raise ValueError(f"windows of shape {days.shape} do not belong to values of shape {values.shape}")
    return values, days


def _enough(days: Floats, fewest: int) -> Mask:
    """Whether a window has as many known days as needed, and at least one."""
    return np.asarray((~np.isnan(days)).sum(axis=-1) >= max(fewest, 1))

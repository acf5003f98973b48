"""Candles of what is looked at once a minute: honest about the looks, silent about what lay between them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sampled:
    """One row a bucket (k,), ascending: first, greatest, least and last value seen, and how many were."""

    bucket: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    count: Ints


def sampled(bucket: Ints, value: Floats) -> Sampled:
    """Return what values (n,) in order of time come to in their buckets (n,), which ascend; NaN is not seen."""
    seen = ~np.isnan(value)
    bucket, value = bucket[seen], value[seen]
    found, starts, counts = np.unique(bucket, return_index=True, return_counts=True)
    if not len(found):
        nothing = np.empty(0, np.float64)
        return Sampled(found, nothing, nothing, nothing, nothing, counts)
    return Sampled(
        bucket=found,
        open=value[starts],
        high=np.maximum.reduceat(value, starts),
        low=np.minimum.reduceat(value, starts),
        close=value[starts + counts - 1],
        count=counts,
    )

"""Randomness that is looked up instead of drawn: every value is a function of a seed and of keys.

So the value at any instant costs the same, whatever was asked before, in whatever order and at whatever speed.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_Words = npt.NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
# So many numbers are made by one pass over an array: fewer cost the calls, more fall out of the processor's cache.
_TOGETHER = 4096
_S30, _S27, _S31, _S11 = (np.uint64(bits) for bits in (30, 27, 31, 11))


def uniform(seed: int, *keys: npt.ArrayLike) -> Floats:
    """Return numbers in (0, 1) for whole-numbered keys, broadcast against each other (finaliser of SplitMix64)."""
    word = _mix(np.asarray(seed).astype(np.uint64)[None] + _GOLDEN)
    for key in keys:
        word = _mix((word ^ np.asarray(key).astype(np.int64).view(np.uint64)) + _GOLDEN)
    number: Floats = ((word >> _S11).astype(np.float64) + 0.5) * 2.0**-53
    return number


def normal(seed: int, *keys: npt.ArrayLike) -> Floats:
    """Return standard normal numbers (Box and Muller)."""
    radius = np.sqrt(-2.0 * np.log(uniform(seed, *keys, 0)))
    number: Floats = radius * np.cos(2.0 * np.pi * uniform(seed, *keys, 1))
    return number


def brownian(seed: int, series: npt.ArrayLike, seconds: npt.ArrayLike, *, finest: int, coarsest: int) -> Floats:
    """Return Brownian motions of variance 1 a second, pinned to 0 every 2**coarsest seconds (Lévy's construction).

    `series` says which one and is broadcast against `seconds`. Below 2**finest seconds they are straight lines. Their
    largest standard deviation is that of `spread(coarsest)`.
    """
    which, at = np.broadcast_arrays(np.asarray(series, np.int64), np.asarray(seconds, np.float64))
    total = np.zeros(at.shape)
    for level in _several(at, finest, coarsest + 1):
        place = at / 2.0**level
        cell = np.floor(place)
        tent = 1.0 - np.abs(2.0 * (place - cell) - 1.0)
        for waves in tent * (0.5 * 2.0 ** (level / 2)) * normal(seed, which, level, cell.astype(np.int64)):
            total += waves  # one after the other: the sum is the same to the last bit, however many there are at once
    return total


def spread(coarsest: int) -> float:
    """Return the standard deviation in the middle of a bridge of 2**coarsest seconds."""
    return float(0.5 * 2.0 ** (coarsest / 2))


def share(seed: int, series: npt.ArrayLike, day: npt.ArrayLike, passed: npt.ArrayLike, *, levels: int = 12) -> Floats:
    """Return how much of a day's whole has come when the fraction `passed` in [0, 1] of it is over; never falls.

    A cascade: each half of an interval gets between 25 % and 75 % of what the interval has.
    """
    which, on, left = np.broadcast_arrays(np.asarray(series), np.asarray(day), np.asarray(passed, np.float64))
    left = np.minimum(left, np.nextafter(1.0, 0.0))
    came, mass = np.zeros(left.shape), np.ones(left.shape)
    for level in _several(left, 0, levels):
        halved = left * 2.0**level
        cell = np.floor(halved)
        for luck, right in zip(uniform(seed, which, on, cell + 2.0**level), halved - cell >= 0.5, strict=True):
            first = mass * (0.25 + 0.5 * luck)
            came += np.where(right, first, 0.0)
            mass = np.where(right, mass - first, first)
    whole: Floats = came + mass * np.mod(left * 2.0**levels, 1.0)
    return whole


def _several(shaped: Floats, first: int, end: int) -> Iterator[Ints]:
    """Yield the levels [first, end), as many at once as are worth it, to be broadcast against an array."""
    together = max(1, _TOGETHER // max(1, shaped.size))
    for at in range(first, end, together):
        yield np.arange(at, min(at + together, end)).reshape(-1, *(1,) * shaped.ndim)


def _mix(word: _Words) -> _Words:
    with np.errstate(over="ignore"):
        word = (word ^ (word >> _S30)) * _FIRST
        word = (word ^ (word >> _S27)) * _SECOND
        mixed: _Words = word ^ (word >> _S31)
        return mixed

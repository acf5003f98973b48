"""The public functions: arrays in, arrays out, one pass each."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fo_analytics.domain.pricing import kernels

Floats = NDArray[np.float64]
Reasons = NDArray[np.uint8]


class Greeks(NamedTuple):
    """Price and sensitivities per unit of the underlying, arrays of one shape; S = F e^(-rT).

    price: rupees. delta: per rupee of S. gamma: per rupee of S, twice. theta: rupees per calendar day (1/365
    year). vega: rupees per volatility point (0.01). rho: rupees per 1 % of rate. vanna: delta per volatility
    point. charm: delta per calendar day. volga: vega per volatility point."""

    price: Floats
    delta: Floats
    gamma: Floats
    theta: Floats
    vega: Floats
    rho: Floats
    vanna: Floats
    charm: Floats
    volga: Floats


class Evaluation(NamedTuple):
    """Implied volatility (NaN where `reason`, a `Reason` as uint8, is not 0) and the Greeks at it."""

    sigma: Floats
    reason: Reasons
    greeks: Greeks


def price(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma: ArrayLike,
    is_call: ArrayLike,
    *,
    rate: ArrayLike = 0.0,
) -> Floats:
    """Price of European options by Black's formula (F. Black, 1976), discounted at `rate`.

    Arrays of one shape and scalars. forward, strike: rupees > 0. years: 365-day years > 0, the floor of one
    second is the caller's. sigma: per square root of a year > 0 (0.15 = 15 %). rate: continuously compounded
    per year. Relative error below 1e-12. NaN where an input is NaN or not positive; ValueError where shapes
    do not match."""
    inputs, shape = _inputs(forward, strike, years, is_call, rate, sigma)
    out = np.empty((1, inputs.shape[1]))
    kernels.price_loop(inputs, out)
    prices: Floats = out[0].reshape(shape)
    return prices


def implied_volatility(
    price: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    is_call: ArrayLike,
    *,
    rate: ArrayLike = 0.0,
) -> tuple[Floats, Reasons]:
    """Volatility at which `price(...)` equals `price`, and why there is none (`Reason` as uint8, 0 where
    there is one).

    Units as in `price`. Where vega * sigma * 1e-8 exceeds 8 units in the last place of the price the relative
    error is below 1e-8. NaN and, the first that holds: EXPIRED years not positive; NO_SPOT forward not
    positive; NO_PRICE price, rate or strike not a number; ABOVE_MAXIMUM a call worth the discounted forward
    or more, a put its strike; BELOW_INTRINSIC; NO_TIME_VALUE within rounding of intrinsic value. Source: P.
    Jaeckel, "Let's Be Rational", 2015. ValueError where shapes do not match."""
    inputs, shape = _inputs(forward, strike, years, is_call, rate, price)
    out = np.empty((1, inputs.shape[1]))
    reason = np.empty(inputs.shape[1], dtype=np.uint8)
    kernels.implied_loop(inputs, out, reason)
    return out[0].reshape(shape), reason.reshape(shape)


def greeks(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma: ArrayLike,
    is_call: ArrayLike,
    *,
    rate: ArrayLike = 0.0,
) -> Greeks:
    """Price and Greeks of European options on a spot S = F e^(-rT) without dividends; inputs and errors as
    `price`.

    With D = e^(-rT), upper signs for calls: delta = ±N(±d1); gamma = n(d1)/(S sigma sqrt T); theta = (-S
    n(d1) sigma/(2 sqrt T) ∓ r K D N(±d2))/365; vega = S n(d1) sqrt T/100; rho = ±K T D N(±d2)/100; vanna =
    -n(d1) d2/(100 sigma); charm = -n(d1) (r/(sigma sqrt T) - d2/(2T))/365; volga = vega d1 d2/(100 sigma).
    Relative error below 1e-9. Source: E. G. Haug, The Complete Guide to Option Pricing Formulas, chapter 2.
    """
    inputs, shape = _inputs(forward, strike, years, is_call, rate, sigma)
    out = np.empty((9, inputs.shape[1]))
    kernels.greeks_loop(inputs, out)
    return Greeks(*(row.reshape(shape) for row in out))


def evaluate(
    price: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    is_call: ArrayLike,
    *,
    rate: ArrayLike = 0.0,
) -> Evaluation:
    """`implied_volatility` and `greeks` at it in one pass; all NaN where there is no implied volatility."""
    inputs, shape = _inputs(forward, strike, years, is_call, rate, price)
    out = np.empty((10, inputs.shape[1]))
    reason = np.empty(inputs.shape[1], dtype=np.uint8)
    kernels.evaluate_loop(inputs, out, reason)
    rows = [row.reshape(shape) for row in out]
    return Evaluation(rows[9], reason.reshape(shape), Greeks(*rows[:9]))


def _inputs(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    is_call: ArrayLike,
    rate: ArrayLike,
    last: ArrayLike,
) -> tuple[Floats, tuple[int, ...]]:
    """The rows of a kernel's input and the shape of its answer."""
    sign = np.where(np.asarray(is_call, dtype=bool), 1.0, -1.0)
    columns = [np.asarray(v, dtype=np.float64) for v in (forward, strike, years, sign, rate, last)]
    shape = np.broadcast_shapes(*(column.shape for column in columns))
    inputs = np.empty((len(columns), *shape))
    for i, column in enumerate(columns):
        inputs[i] = column
    return inputs.reshape(len(columns), -1), shape

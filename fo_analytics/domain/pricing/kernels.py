"""Black-76 for machine code: scalar functions on floats, and the loops over arrays that call them.

F forward, K strike, T years, r rate, s = sigma sqrt(T) total volatility, x = -|ln(F/K)|, h = x/s, t = s/2.
By parity every option is its strike's out-of-the-money side plus intrinsic value. That side, undiscounted and
divided by sqrt(FK), depends on x <= 0 and s alone. With v = exp(-(h^2 + t^2)/2)/sqrt(2 pi), its derivative in
s, and Mills' ratio M it reads, without cancellation,

    value      = v (M(-h - t) - M(-h + t))    where h + t <= 0; tends to 0 with s
    complement = v (M(h + t) + M(-h + t))     where h + t > 0; tends to 0 as s grows
    value + complement = e^(x/2)

Sources: P. Jaeckel, "Let's Be Rational", Wilmott 2015: the normalisation, the guess in four zones, the three
objective functions. Abramowitz and Stegun 26.2.23: the rough quantile. The rest is derived here.
"""

import math

import numpy as np
from numpy.typing import NDArray

from fo_analytics.domain.pricing.compiled import inner, loop
from fo_analytics.domain.pricing.mills import mills, mills_slope
from fo_analytics.domain.pricing.reasons import Reason

Floats = NDArray[np.float64]
Reasons = NDArray[np.uint8]
Option = tuple[float, float, float, float, float, float]

SQRT_3 = math.sqrt(3.0)
INVERSE_SQRT_2PI = 1.0 / math.sqrt(2.0 * math.pi)
LOG_SQRT_2PI = 0.5 * math.log(2.0 * math.pi)
LOWER_SCALE = 2.0 * math.pi / (3.0 * SQRT_3)
ROUNDING = 4.0 * 2.0**-52  # of an undiscounted price, relative
DAYS = 365.0


@inner
def _is_narrow(h: float, t: float) -> bool:
    """Whether M(-h - t) - M(-h + t) would lose more than two digits by subtraction."""
    return t < 0.025 * (1.0 - h)


@inner
def _narrow_difference(h: float, t: float) -> float:
    """M(-h - t) - M(-h + t) by its Taylor series in t.

    The odd derivatives of M(-h) obey y_(n+2) = (h^2 + 2n + 1) y_n - n (n - 1) y_(n-2)."""
    hh, tt = h * h, t * t
    y1 = mills_slope(-h)
    y3 = (hh + 3.0) * y1 - 1.0
    y5 = (hh + 7.0) * y3 - 6.0 * y1
    y7 = (hh + 11.0) * y5 - 20.0 * y3
    y9 = (hh + 15.0) * y7 - 42.0 * y5
    return 2.0 * t * (y1 + tt / 6.0 * (y3 + tt / 20.0 * (y5 + tt / 42.0 * (y7 + tt / 72.0 * y9))))


@inner
def _difference(h: float, t: float) -> float:
    """value / v where h + t <= 0, or where t is small."""
    if _is_narrow(h, t):
        return _narrow_difference(h, t)
    return mills(-h - t) - mills(-h + t)


@inner
def _vega(h: float, t: float) -> float:
    return math.exp(-0.5 * (h * h + t * t)) * INVERSE_SQRT_2PI


@inner
def _normalised(x: float, s: float, limit: float) -> tuple[float, float, float]:
    """Normalised value, its complement to limit = e^(x/2), and its derivative in s."""
    h, t = (x / s if x < 0.0 else 0.0), 0.5 * s
    v = _vega(h, t)
    if h + t <= 0.0 or _is_narrow(h, t):
        value = v * _difference(h, t)
        return value, limit - value, v
    complement = v * (mills(h + t) + mills(t - h))
    return limit - complement, complement, v


@inner
def _rough_quantile(log_p: float) -> float:
    """|N^-1(p)| of 0 < p <= 1/2 within 4.5e-4 (Abramowitz and Stegun 26.2.23): enough for a guess."""
    u = math.sqrt(-2.0 * log_p)
    bottom = 1.0 + u * (1.432788 + u * (0.189269 + u * 0.001308))
    return u - (2.515517 + u * (0.802853 + u * 0.010328)) / bottom


@inner
def _control(top: float, bottom: float) -> float:
    """Control parameter r that gives the interpolant one more derivative; nearly straight data need none."""
    r = top / bottom
    return r if -0.5 < r < 1e12 else 3.0


@inner
def _rational_cubic(u: float, width: float, y0: float, y1: float, d0: float, d1: float, r: float) -> float:
    """Delbourgo and Gregory's interpolant at u in [0, 1] of y0 and y1 with slopes d0 and d1, parameter r."""
    w = 1.0 - u
    top = y1 * u**3 + (r * y1 - width * d1) * u * u * w + (r * y0 + width * d0) * u * w * w + y0 * w**3
    return top / (1.0 + (r - 3.0) * u * w)


@inner
def _guess_lower(x: float, value: float, s_l: float, b_l: float, v_l: float) -> float:
    """Smallest values: f = 2 pi |x|/(3 sqrt 3) N(-|x|/(s sqrt 3))^3 is nearly linear in the value."""
    a = -x / (SQRT_3 * s_l)
    m = mills(a)
    f = -x * LOWER_SCALE * (m * INVERSE_SQRT_2PI) ** 3 * math.exp(-1.5 * a * a)
    slope = (a * m) ** 2 * math.exp(s_l * s_l / 8.0)
    curvature = slope * (s_l / 4.0 - 2.0 / s_l * (1.0 + a * a - a / m)) / v_l
    r = _control(0.5 * b_l * curvature + slope - 1.0, slope - f / b_l)
    f = _rational_cubic(value / b_l, b_l, 0.0, f, 1.0, slope, r)
    return -x / (SQRT_3 * _rough_quantile(math.log(f / (-x * LOWER_SCALE)) / 3.0))


@inner
def _guess_upper(x: float, complement: float, s_h: float, c_h: float, v_h: float) -> float:
    """Largest values: f = N(-s/2) is nearly linear in the complement."""
    t, hh = 0.5 * s_h, (x / s_h) ** 2
    f = mills(t) * _vega(0.0, t)
    slope = -0.5 * math.exp(0.5 * hh)
    curvature = -slope * hh / (s_h * v_h)
    r = _control(0.5 * c_h * curvature - 0.5 - slope, -f / c_h - slope)
    f = _rational_cubic(1.0 - complement / c_h, c_h, f, 0.0, slope, -0.5, r)
    return 2.0 * _rough_quantile(math.log(f))


LOWER, MIDDLE, UPPER = 0, 1, 2


@inner
def _guess(x: float, value: float, complement: float, limit: float) -> tuple[float, int]:
    """First approximation of s, and which objective function to solve.

    The zones are bounded by the inflection (b_c at s_c) of value(s) and by the two points where the tangent
    there meets 0 and e^(x/2)."""
    s_c = math.sqrt(-2.0 * x)  # where h + t = 0
    v_c = limit * INVERSE_SQRT_2PI
    b_c = v_c * _difference(-0.5 * s_c, 0.5 * s_c)
    if value < b_c:
        s_l = s_c - b_c / v_c
        b_l, _, v_l = _normalised(x, s_l, limit)
        if value < b_l:
            return _guess_lower(x, value, s_l, b_l, v_l), LOWER
        width, d_l, d_c = b_c - b_l, 1.0 / v_l, 1.0 / v_c
        r = _control(d_c - d_l, d_c - (s_c - s_l) / width)
        return _rational_cubic((value - b_l) / width, width, s_l, s_c, d_l, d_c, r), MIDDLE
    s_h = s_c + (limit - b_c) / v_c
    b_h, c_h, v_h = _normalised(x, s_h, limit)
    objective = UPPER if complement < 0.5 * limit else MIDDLE
    if value > b_h:
        return _guess_upper(x, complement, s_h, c_h, v_h), objective
    width, d_h, d_c = b_h - b_c, 1.0 / v_h, 1.0 / v_c
    r = _control(d_h - d_c, (s_h - s_c) / width - d_c)
    return _rational_cubic((value - b_c) / width, width, s_c, s_h, d_c, d_h, r), objective


@inner
def _newton(x: float, s: float, target: float, limit: float, objective: int) -> tuple[float, float, float]:
    """Newton's step for one of three objective functions g, each nearly linear in s in its zone:

    LOWER 1/ln(value) - 1/target; MIDDLE value - target; UPPER target - ln(complement); LOWER's and UPPER's target
    is a logarithm too. Also how much g''/g' exceeds v'/v, and the derivative of that excess."""
    if objective == LOWER:
        h, t = x / s, 0.5 * s
        w = 1.0 / _difference(h, t)  # v / value, in logarithms because the value itself may underflow
        log_value = -math.log(w) - 0.5 * (h * h + t * t) - LOG_SQRT_2PI
        step = (1.0 - log_value / target) * log_value / w
        bend = 1.0 + 2.0 / log_value
        return step, -w * bend, w * (w - (h * h / s - 0.25 * s)) * bend + 2.0 * (w / log_value) ** 2
    value, complement, v = _normalised(x, s, limit)
    if objective == MIDDLE:
        return (target - value) / v, 0.0, 0.0
    w = v / complement
    return (math.log(complement) - target) / w, w, w * (x * x / (s * s * s) - 0.25 * s + w)


@inner
def _householder(x: float, s: float, target: float, limit: float, objective: int) -> float:
    """One step of Householder's third-order method: of an error about its fourth power is left."""
    step, excess, excess_slope = _newton(x, s, target, limit, objective)
    hh = (x / s) ** 2
    second = hh / s - 0.25 * s + excess
    third = second * second - 3.0 * hh / (s * s) - 0.25 + excess_slope
    return step * (1.0 + 0.5 * second * step) / (1.0 + step * (second + third * step / 6.0))


@inner
def _implied_total(x: float, value: float, complement: float, limit: float) -> float:
    """Total volatility s of a normalised value > 0 and its complement > 0 to limit = e^(x/2); x <= 0."""
    s, objective = _guess(x, value, complement, limit)
    target = value if objective == MIDDLE else math.log(value if objective == LOWER else complement)
    for _ in range(8):
        step = _householder(x, s, target, limit, objective)
        s += step
        if abs(step) < 1e-3 * s:  # less than (step / s)^4 = 1e-12 is left
            break
    return s


@inner
def _log_ratio(forward: float, strike: float) -> float:
    """ln(F/K), relatively exact also where F and K nearly agree (their difference is then exact)."""
    ratio = forward / strike
    if 0.5 < ratio < 2.0:
        return math.log1p((forward - strike) / strike)
    return math.log(ratio)


@inner
def _frame(forward: float, strike: float) -> tuple[float, float, float]:
    """ln(F/K), sqrt(FK) and e^(-|ln(F/K)|/2)."""
    root_f, root_k = math.sqrt(forward), math.sqrt(strike)
    return _log_ratio(forward, strike), root_f * root_k, min(root_f, root_k) / max(root_f, root_k)


@inner
def _is_option(forward: float, strike: float, years: float, rate: float, sigma: float) -> bool:
    positive = forward > 0.0 and strike > 0.0 and years > 0.0 and sigma > 0.0
    return positive and math.isfinite(forward + strike + years + sigma + rate)


@inner
def _price(forward: float, strike: float, years: float, sign: float, rate: float, sigma: float) -> float:
    if not _is_option(forward, strike, years, rate, sigma):
        return np.nan
    log_ratio, root, limit = _frame(forward, strike)
    value, _, _ = _normalised(-abs(log_ratio), sigma * math.sqrt(years), limit)
    return math.exp(-rate * years) * (max(sign * (forward - strike), 0.0) + root * value)


@inner
def _implied(forward: float, strike: float, years: float, sign: float, rate: float, price: float) -> tuple[float, int]:
    """Implied volatility and reason; the first that holds, in the order of `implied_volatility`."""
    if not 0.0 < years < np.inf:
        return np.nan, Reason.EXPIRED
    if not 0.0 < forward < np.inf:
        return np.nan, Reason.NO_SPOT
    undiscounted = price * math.exp(rate * years)
    if math.isnan(undiscounted) or not 0.0 < strike < np.inf:
        return np.nan, Reason.NO_PRICE
    intrinsic = max(sign * (forward - strike), 0.0)
    time_value = undiscounted - intrinsic
    complement = (forward if sign > 0.0 else strike) - undiscounted
    tolerance = ROUNDING * intrinsic
    if complement <= 0.0:
        return np.nan, Reason.ABOVE_MAXIMUM
    if time_value < -tolerance:
        return np.nan, Reason.BELOW_INTRINSIC
    log_ratio, root, limit = _frame(forward, strike)
    if time_value <= tolerance or time_value / root <= 0.0:
        return np.nan, Reason.NO_TIME_VALUE
    s = _implied_total(-abs(log_ratio), time_value / root, complement / root, limit)
    if not 0.0 < s < np.inf:  # only where |ln(F/K)| is in the hundreds
        return np.nan, Reason.NO_TIME_VALUE
    return s / math.sqrt(years), Reason.NONE


@inner
def _greeks(
    forward: float, strike: float, years: float, sign: float, rate: float, sigma: float, out: Floats, i: int
) -> None:
    """Price and Greeks into the column out[:, i]; formulas in `greeks` of the package."""
    if not _is_option(forward, strike, years, rate, sigma):
        out[:9, i] = np.nan
        return
    log_ratio, root, limit = _frame(forward, strike)
    discount, root_t = math.exp(-rate * years), math.sqrt(years)
    s = sigma * root_t
    value, _, v = _normalised(-abs(log_ratio), s, limit)
    d1, d2 = log_ratio / s + 0.5 * s, log_ratio / s - 0.5 * s
    density = root * v  # = F n(d1) = K n(d2)
    strike_leg = discount * _leg(sign * d2, density, strike)
    spot, density_1 = discount * forward, density / forward
    vega = spot * density_1 * root_t / 100.0
    out[0, i] = discount * (max(sign * (forward - strike), 0.0) + root * value)
    out[1, i] = sign * _leg(sign * d1, density, forward) / forward
    out[2, i] = density_1 / (spot * s)
    out[3, i] = (-spot * density_1 * sigma / (2.0 * root_t) - sign * rate * strike_leg) / DAYS
    out[4, i] = vega
    out[5, i] = sign * years * strike_leg / 100.0
    out[6, i] = -density_1 * d2 / (100.0 * sigma)
    out[7, i] = -density_1 * (rate / s - d2 / (2.0 * years)) / DAYS
    out[8, i] = vega * d1 * d2 / (100.0 * sigma)


@inner
def _leg(d: float, density: float, whole: float) -> float:
    """whole N(d), F N(d1) or K N(d2), where density = whole n(d)."""
    other = density * mills(abs(d))
    return whole - other if d > 0.0 else other


@inner
def _column(inputs: Floats, i: int) -> Option:
    return inputs[0, i], inputs[1, i], inputs[2, i], inputs[3, i], inputs[4, i], inputs[5, i]


# The loops. Rows of `inputs`: forward, strike, years, sign (+1 call, -1 put), rate, and sigma or price.


@loop
def price_loop(inputs: Floats, out: Floats) -> None:
    """Prices into out[0]."""
    for i in range(inputs.shape[1]):
        out[0, i] = _price(*_column(inputs, i))


@loop
def implied_loop(inputs: Floats, out: Floats, reasons: Reasons) -> None:
    """Implied volatilities into out[0]."""
    for i in range(inputs.shape[1]):
        out[0, i], reasons[i] = _implied(*_column(inputs, i))


@loop
def greeks_loop(inputs: Floats, out: Floats) -> None:
    """Price and eight Greeks into out[0:9]."""
    for i in range(inputs.shape[1]):
        _greeks(*_column(inputs, i), out, i)


@loop
def evaluate_loop(inputs: Floats, out: Floats, reasons: Reasons) -> None:
    """Price and eight Greeks at the implied volatility into out[0:9], that volatility into out[9]."""
    for i in range(inputs.shape[1]):
        forward, strike, years, sign, rate, price = _column(inputs, i)
        out[9, i], reasons[i] = _implied(forward, strike, years, sign, rate, price)
        _greeks(forward, strike, years, sign, rate, out[9, i], out, i)

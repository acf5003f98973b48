"""Mills' ratio M(a) = N(-a)/n(a), the upper tail of the normal distribution over its density.

(a + 4) M(a) and -(a + 4)^2 M'(a) are polynomials in y = (a - 4)/(a + 4) to a relative error below 1e-16, made
by tests/oracles/fit_mills_ratio.py. Four rows: the coefficients of the powers k, k + 4, ..., k + 24 for
k = 0, 1, 2, 3, highest power first.
"""

from fo_analytics.domain.pricing.compiled import inner

Coefficients = tuple[tuple[float, ...], ...]

MILLS = (
    (1.5854913575723623e-09, 5.7235748608406186e-08, 6.857356598858169e-07, 1.7968713266322371e-06,
     0.0003342446322140252, 0.15139176231250703, 1.8932190633084853),
    (9.868002712534122e-10, 7.240192448257756e-09, -3.890569037412125e-07, -1.484005459703653e-05,
     -0.000579269115388907, -0.018900450860124655, -1.523770910819983),
    (-1.1267807254558607e-10, -1.145701192551998e-08, -2.215470359124112e-07, -1.5801527038269724e-06,
     -4.7833729314486615e-06, -0.008722295275658478, 0.9704095548675873),
    (-1.0254094572227676e-10, -4.218749495275368e-09, 3.251007182630254e-08, 2.561432250079801e-06,
     8.80947682676669e-05, 0.004087855658088079, -0.46754096299838316),
)  # fmt: skip
SLOPE = (
    (1.623609679022425e-08, 1.0555243782849061e-06, 1.827550783333085e-05, 0.00021628066135616692,
     0.008221623747252688, 0.8514610658632246, 3.416989974128468),
    (2.5947292103692927e-08, 3.9849804154473516e-07, -3.0256192134795744e-06, -0.00018564054757715828,
     -0.005744857499879772, -0.0610689335072199, -4.988360931375141),
    (-4.767135653894302e-10, -1.6998197808063745e-07, -4.832885931791756e-06, -6.212569538082606e-05,
     -0.0010216596887396108, -0.0896710565377763, 4.31385155359791),
    (-2.465124197903591e-09, -1.3168886267484257e-07, -4.804692883376002e-07, 3.0016524445332216e-05,
     0.0010355752315537707, 0.03002888821452295, -2.4757309012435496),
)  # fmt: skip


@inner
def _horner(z: float, c6: float, c5: float, c4: float, c3: float, c2: float, c1: float, c0: float) -> float:
    return ((((((c6 * z + c5) * z + c4) * z + c3) * z + c2) * z + c1) * z) + c0


@inner
def _polynomial(y: float, c: Coefficients) -> float:
    """Four chains that the processor runs side by side: of the powers k, k + 4, ..., k + 24."""
    yy = y * y
    z = yy * yy
    return (_horner(z, *c[0]) + y * _horner(z, *c[1])) + yy * (_horner(z, *c[2]) + y * _horner(z, *c[3]))


@inner
def mills(a: float) -> float:
    """Mills' ratio M(a) = N(-a)/n(a) of a >= 0."""
    u = 1.0 / (a + 4.0)
    return u * _polynomial(1.0 - 8.0 * u, MILLS)


@inner
def mills_slope(a: float) -> float:
    """-M'(a) = 1 - a M(a) of a >= 0, to full relative accuracy where the right-hand side would cancel."""
    u = 1.0 / (a + 4.0)
    return u * u * _polynomial(1.0 - 8.0 * u, SLOPE)

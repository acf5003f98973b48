"""The compiled loops of pricing and packing, loaded before somebody waits for them."""

import numpy as np

from fo_analytics.domain.packing import Kind, Packer, Shape, texts
from fo_analytics.domain.pricing import greeks, implied_volatility, price


def load_kernels() -> None:
    """Price one option with each, pack one number.

    What numba's disk cache lacks is compiled (seconds), the rest is read (under one).
    """
    strike, is_call = np.array([100.0]), np.array([True])
    sigma, _ = implied_volatility(np.array([5.0]), 100.0, strike, 0.1, is_call, rate=0.06)
    greeks(100.0, strike, 0.1, sigma, is_call, rate=0.06)
    price(100.0, strike, 0.1, sigma, is_call, rate=0.06)
    one = np.ones((1, 1, 1))
    packer = Packer(Shape({"number": Kind.NUMBER}, ["group"], {}))
    packer.pack(texts(["row"]), one, one.astype(bool), ("own", one[0, 0]))

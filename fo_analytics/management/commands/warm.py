"""`manage.py warm`: compile the numeric kernels into their disk cache."""

import time
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand

from fo_analytics.domain.pricing import greeks, implied_volatility, price


class Command(BaseCommand):
    """Run every kernel once; later processes load what this one compiled."""

    help = "compile the numeric kernels into their disk cache"

    def handle(self, *args: Any, **options: Any) -> None:
        """Price one option."""
        started = time.perf_counter()
        strike, is_call = np.array([100.0]), np.array([True])
        sigma, _ = implied_volatility(np.array([5.0]), 100.0, strike, 0.1, is_call, rate=0.06)
        greeks(100.0, strike, 0.1, sigma, is_call, rate=0.06)
        price(100.0, strike, 0.1, sigma, is_call, rate=0.06)
        self.stdout.write(f"kernels ready in {time.perf_counter() - started:.1f} s")

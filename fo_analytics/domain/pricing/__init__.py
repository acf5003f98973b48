"""Black-76 prices, implied volatilities and Greeks of arrays of options."""

from fo_analytics.domain.pricing.arrays import (
    Evaluation,
    Greeks,
    evaluate,
    greeks,
    implied_volatility,
    price,
)
from fo_analytics.domain.pricing.reasons import Reason

__all__ = ["Evaluation", "Greeks", "Reason", "evaluate", "greeks", "implied_volatility", "price"]

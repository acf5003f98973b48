"""A chain's document taken apart again: its quotes, what it was valued under, and every number of the valuation.

Documents leave out what few ask for (vanna, charm, years); computing it again from the same quotes gives the same
numbers, so that all answers about a chain agree with the chain.
"""

import math
from dataclasses import dataclass
from datetime import date

from fo_analytics.domain.chain import Convention, Quotes, Terms, Valuation, value_chain
from fo_analytics.domain.document import Document, quotes_of
from fo_analytics.domain.smile import Smile, smile
from fo_analytics.domain.ticks import Floats


@dataclass(frozen=True, slots=True)
class ValuedChain:
    """One expiry, (2, k) calls and puts of ascending strikes; NaN is not known."""

    expiry: date
    quotes: Quotes
    terms: Terms
    value: Valuation

    @property
    def strike(self) -> Floats:
        """Return the listed strikes (k,), rupees."""
        return self.quotes.strike

    @property
    def forward(self) -> float:
        """Return the forward, rupees."""
        return self.value.forward.value

    @property
    def years(self) -> float:
        """Return the years to expiry as the convention counts them; NaN once expired."""
        return self.value.years

    @property
    def discounted_forward(self) -> float:
        """Return F·e^(−rT), the S of the Greeks, rupees."""
        return self.forward * math.exp(-self.terms.rate * self.years)

    @property
    def smile(self) -> Smile:
        """Return the smile of the strikes' out-of-the-money sides."""
        return smile(self.strike, self.value.iv, forward=self.forward, years=self.years)

    @property
    def why_nothing(self) -> str | None:
        """Return why nothing can be said of its volatility: `expired`, `no_spot`, `no_forward`; None: something can."""
        if math.isnan(self.years):
            return "expired"
        if math.isnan(self.forward):
            return "no_spot" if self.value.convention is Convention.NSE else "no_forward"
        return None


def valued(document: Document) -> ValuedChain:
    """Return a document's chain with every number it was made with."""
    head, quotes = document["head"], quotes_of(document)
    trusted = not head["spot_contradicts_parity"]
    convention = Convention(head["convention"])
    terms = Terms(head["ts_event"], head["ts_expiry"], head["rate"], convention, trusted)
    return ValuedChain(date.fromisoformat(head["expiry"]), quotes, terms, value_chain(quotes, terms))

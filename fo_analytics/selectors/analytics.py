"""Chains with every number of their valuation, and what all answers about them begin with."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fo_analytics.domain.calendar import calendar_days, from_ms
from fo_analytics.domain.chain import Convention
from fo_analytics.domain.valued import ValuedChain, valued
from fo_analytics.selectors.chains import ChainAnswer
from fo_analytics.selectors.strike_distribution import Distribution

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Insight:
    """One chain: where it comes from, its labels as of then, its numbers."""

    answer: ChainAnswer
    labels: tuple[str, ...]
    chain: ValuedChain

    def head(self) -> Json:
        """Return what every answer about a chain says of it first; `reason`: why it has no volatility at all."""
        head = self.answer.head
        names = ("expiry", "ts_event", "ts_expiry", "expired", "forward", "forward_source", "atm_strike")
        return {
            **{name: head[name] for name in names},
            "labels": self.labels,
            "days": calendar_days(self.chain.expiry, from_ms(head["ts_event"])),
            "years": self.chain.years,
            "reason": self.chain.why_nothing,
            "source": self.answer.source,
            "epoch": self.answer.epoch,
            "seq": self.answer.seq,
        }


def insights(*, found: Distribution) -> list[Insight]:
    """Return the chains of a distribution with every number of their valuation, in its order."""
    pairs = zip(found.chains, found.labels, strict=True)
    return [Insight(answer, labels, valued(answer.document)) for answer, labels in pairs]


def lasting(*, chains: Sequence[Insight]) -> list[Insight]:
    """Return the chains with time left, in order of it: what volatility over time can be said of.

    One as far away as another (published long before it) is left out.
    """
    found: list[Insight] = []
    for insight in sorted(chains, key=lambda one: one.chain.expiry):
        if insight.chain.years > (found[-1].chain.years if found else 0.0):
            found.append(insight)
    return found


def heading(*, found: Distribution, convention: Convention) -> Json:
    """Return what every answer begins with."""
    return {
        "underlying": found.underlying.symbol,
        "ts_event": found.as_of_ms,
        "convention": convention.value,
    }


def reasons(values: Mapping[str, float], why: Mapping[str, str]) -> dict[str, str]:
    """Return, of the values that are not known, why."""
    return {name: why[name] for name, value in values.items() if math.isnan(value)}

"""The strike distribution: several expiries of one underlying, all of one instant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from fo_analytics.domain.chain import Convention
from fo_analytics.models import Underlying
from fo_analytics.selectors.chains import ChainAnswer, chain_at, live_chain, market_instant
from fo_analytics.selectors.reference import ExpiryTable, expiry_table, find_underlying
from tradingviz.core.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Distribution:
    """Chains in the order asked for; `labels` has each expiry's labels as of `as_of_ms` (ms UTC)."""

    underlying: Underlying
    as_of_ms: int
    chains: tuple[ChainAnswer, ...]
    labels: tuple[tuple[str, ...], ...]


def expiries_as_of(*, underlying: str, at: int | None) -> tuple[Underlying, ExpiryTable]:
    """Return an underlying and its expiries at an instant (ms UTC; None: the newest known).

    Raises InvalidRequest for an unknown underlying, NotAvailable where nothing is known of it yet.
    """
    found = find_underlying(name=underlying)
    as_of_ms = market_instant(underlying=found) if at is None else at
    return found, expiry_table(underlying=found, as_of_ms=as_of_ms)


def strike_distribution(
    *, underlying: str, expiry: Sequence[str], at: int | None, convention: Convention
) -> Distribution:
    """Return the chains of the named expiries; without names that of the nearest one (the last, if all are over).

    Raises InvalidRequest for an unknown underlying or expiry, NotAvailable where nothing is known yet.
    """
    found, table = expiries_as_of(underlying=underlying, at=at)
    wanted = list(dict.fromkeys(table.resolve(label) for label in expiry)) if expiry else _nearest(table)
    read = live_chain if at is None else chain_at
    chains = tuple(read(underlying=found, table=table, expiry=day, convention=convention) for day in wanted)
    labels = {item.expiry: item.labels for item in table.alive()}
    return Distribution(found, table.as_of_ms, chains, tuple(labels.get(day, ()) for day in wanted))


def _nearest(table: ExpiryTable) -> list[date]:
    nearest = table.nearest()
    if nearest is None:
        raise InvalidRequest("no expiry of this underlying was listed at that instant", field="expiry")
    return [nearest]

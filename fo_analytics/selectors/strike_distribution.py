"""The strike distribution: several expiries of one underlying, all of one instant."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from fo_analytics.domain.chain import Convention
from fo_analytics.domain.changes import Reference
from fo_analytics.models import Underlying
from fo_analytics.selectors.chains import ChainAnswer, chains_at, live_chains, market_instant
from fo_analytics.selectors.reference import ExpiryTable, expiry_table, find_underlying
from fo_analytics.selectors.references import day_references
from tradingviz.core.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Distribution:
    """Chains in the order asked for; `labels` has each expiry's labels as of `as_of_ms` (ms UTC)."""

    underlying: Underlying
    table: ExpiryTable
    expiries: tuple[date, ...]
    chains: tuple[ChainAnswer, ...]
    labels: tuple[tuple[str, ...], ...]

    @property
    def as_of_ms(self) -> int:
        """Return the instant asked for, ms UTC; live the newest known."""
        return self.table.as_of_ms

    @property
    def newest_ms(self) -> int:
        """Return the newest instant of any of the chains, ms UTC: one may have been published since."""
        return max([self.as_of_ms, *(int(chain.head["ts_event"]) for chain in self.chains)])

    def in_order(self) -> "Distribution":
        """Return the same chains in order of time."""
        places = sorted(range(len(self.expiries)), key=lambda place: self.expiries[place])
        expiries = tuple(self.expiries[place] for place in places)
        chains = tuple(self.chains[place] for place in places)
        labels = tuple(self.labels[place] for place in places)
        return replace(self, expiries=expiries, chains=chains, labels=labels)

    def since_yesterday(self) -> tuple[Reference, ...]:
        """Return what each chain's open interest has changed from: the previous session's last minutes."""
        found = day_references(
            underlying=self.underlying,
            sessions=self.table.calendar,
            expiries=self.expiries,
            as_of_ms=self.as_of_ms,
        )
        return tuple(found[expiry] for expiry in self.expiries)


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
    wanted = tuple(dict.fromkeys(table.resolve(label) for label in expiry)) if expiry else _nearest(table)
    return _distribution(found, table, wanted, convention, live=at is None)


def whole_distribution(*, underlying: str, at: int | None, convention: Convention) -> Distribution:
    """Return the chains of every expiry that has not expired, nearest first. Raises as `strike_distribution`."""
    found, table = expiries_as_of(underlying=underlying, at=at)
    wanted = tuple(item.expiry for item in table.alive())
    return _distribution(found, table, wanted, convention, live=at is None)


def _distribution(
    underlying: Underlying, table: ExpiryTable, expiries: tuple[date, ...], convention: Convention, *, live: bool
) -> Distribution:
    read = live_chains if live else chains_at
    chains = read(underlying=underlying, table=table, expiries=expiries, convention=convention)
    labels = {item.expiry: item.labels for item in table.alive()}
    return Distribution(underlying, table, expiries, chains, tuple(labels.get(day, ()) for day in expiries))


def _nearest(table: ExpiryTable) -> tuple[date, ...]:
    nearest = table.nearest()
    if nearest is None:
        raise InvalidRequest("no expiry of this underlying was listed at that instant", field="expiry")
    return (nearest,)

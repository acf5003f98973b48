"""The strike distribution: several expiries of one underlying, all of one instant."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from fo_analytics.domain.chain import Convention
from fo_analytics.domain.changes import Reference
from fo_analytics.models import Underlying
from fo_analytics.selectors.chains import ChainAnswer, chains_at, live_chains, newest_known, session_begun
from fo_analytics.selectors.reference import ExpiryTable, expiry_table, find_underlying
from fo_analytics.selectors.references import day_references
from tradingviz.core.clock import now_ms
from tradingviz.core.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Distribution:
    """Chains in the order asked for; `labels` has each expiry's labels, those of the table's instant for them."""

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
    """Return an underlying and its expiries at an instant (ms UTC; None: the newest known, labels by the clock).

    Raises InvalidRequest for an unknown underlying, NotAvailable where nothing is known of it yet.
    """
    found = find_underlying(name=underlying)
    if at is not None:
        return found, expiry_table(underlying=found, as_of_ms=at)
    as_of_ms, began_ms = newest_known(underlying=found)
    table = expiry_table(underlying=found, as_of_ms=as_of_ms)
    return found, replace(table, labels_ms=_labels_instant(table, began_ms))


def _labels_instant(table: ExpiryTable, began_ms: int | None) -> int:
    """Return the instant (ms UTC) whose labels are those of a live market: the clock's, unless it is a replayed one.

    Nothing ticks between the expiry instant and the next session, and longer where a feed is away: an expiry is over
    all the same. The market is of now where its session is the one that had begun last, and where the publisher began
    (`began_ms`) before the next one did: who replays a day begins later.
    """
    now = now_ms()
    session = session_begun(table.as_of_ms, table.calendar)
    began = [session_begun(instant, table.calendar) for instant in (now, began_ms) if instant is not None]
    is_of_now = session is not None and any(other is not None and other.date <= session.date for other in began)
    return max(table.as_of_ms, now) if is_of_now else table.as_of_ms


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

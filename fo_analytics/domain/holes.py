"""Holes: minutes of a session in which the feed said nothing of an underlying, and what to ask for to fill them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import groupby

from fo_analytics.domain.calendar import MINUTE_MS, Interval, Session, to_ms

SETTLING_MS = 2 * MINUTE_MS
"""How long after its end a minute without a bar is no hole yet: ticks may still be on their way."""


@dataclass(frozen=True, slots=True)
class Hole:
    """A run of minutes without a bar, named by the opens of its first and last one (ms UTC).

    `growing`: the feed is still silent. [from_ms, to_ms) is to be asked for: the hole and a minute on both sides, as
    the feed stopped and came back inside of a minute.
    """

    session: Session
    first_ms: int
    last_ms: int
    from_ms: int
    to_ms: int
    growing: bool

    @property
    def minutes(self) -> int:
        """Return how many minutes are missing."""
        return (self.last_ms - self.first_ms) // MINUTE_MS + 1


def closed_until(now_ms: int) -> int:
    """Return the instant (ms UTC) up to which minutes count as closed."""
    return now_ms - SETTLING_MS


def holes_in(session: Session, held: Collection[int], *, closed_until_ms: int) -> list[Hole]:
    """Return the holes of a session, ascending; `held` are the opens (ms UTC) of the minutes that have bars.

    A run never spans a break between intervals. Of one that reaches the newest closed minute that minute is left out
    until the next one is closed, too: it may be the one before the feed came back, whose minute can then be asked for.
    """
    return [hole for interval in session.intervals for hole in _of_interval(session, interval, held, closed_until_ms)]


def _of_interval(session: Session, interval: Interval, held: Collection[int], closed_until_ms: int) -> Iterator[Hole]:
    opens, closes = to_ms(interval.opens_at), to_ms(interval.closes_at)
    closed = range(opens, min(closes, closed_until_ms) - MINUTE_MS + 1, MINUTE_MS)
    for is_held, run in groupby(closed, key=held.__contains__):
        if is_held:
            continue
        minutes = list(run)
        first, last = minutes[0], minutes[-1]
        growing = last == closed[-1] and last + MINUTE_MS < closes
        if growing:
            last -= MINUTE_MS
        if first <= last:
            to = min(last + (MINUTE_MS if growing else 2 * MINUTE_MS), closes)
            yield Hole(session, first, last, max(first - MINUTE_MS, opens), to, growing)

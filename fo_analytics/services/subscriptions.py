"""What the ticker service is to send: compared with what it sends, and put right."""

import logging
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import Q, QuerySet

from fo_analytics.domain.calendar import MINUTE_MS, Calendar, from_ms, ist_date, to_ms
from fo_analytics.domain.symbols import canonical
from fo_analytics.held import held
from fo_analytics.models import Bar, Instrument, InstrumentKind, Underlying
from fo_analytics.selectors.sessions import calendar_of
from streaming.ticker.client import TickerClient

logger = logging.getLogger(__name__)

LOOK_BACK_MS = 10 * MINUTE_MS
BARS_OF = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Tokens that were added and removed, those that the service does not know, and how many are wanted."""

    wanted: int
    added: int
    removed: int
    unknown: int


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Tokens to have, and those that may stay where they are there: a strike does not come and go with each rupee."""

    needed: frozenset[int]
    welcome: frozenset[int]


def reconcile_subscriptions(*, client: TickerClient, now_ms: int) -> Reconciled:
    """Subscribe what the settings TICKER_SUBSCRIBE* want, and what open legs hold, where the service does not send it;
    and the reverse.

    Only instruments of the underlyings named there are unsubscribed. Where nothing is wanted, nothing is asked. Raises
    TickerUnavailable.
    """
    symbols = {canonical(name) for name in settings.TICKER_SUBSCRIBE}
    in_legs = _in_legs(now_ms)
    if not symbols and not in_legs:
        return Reconciled(0, 0, 0, 0)
    followed = list(Underlying.objects.filter(symbol__in=symbols))
    wanted = [_wanted(underlying, client, now_ms) for underlying in followed]
    needed = in_legs.union(*(one.needed for one in wanted))
    sent = client.subscriptions()
    unknown = client.subscribe(needed - sent)
    surplus = _ours(followed, sent - needed.union(*(one.welcome for one in wanted)))
    client.unsubscribe(surplus)
    if unknown:
        logger.warning("the ticker service does not know %d instruments, for example %d", len(unknown), min(unknown))
    return Reconciled(len(needed), len(needed - sent - unknown), len(surplus), len(unknown))


def _ours(followed: list[Underlying], tokens: frozenset[int]) -> set[int]:
    return set(Instrument.objects.filter(underlying__in=followed, token__in=tokens).values_list("token", flat=True))


def _in_legs(now_ms: int) -> frozenset[int]:
    """Return the tokens of what open legs hold, and of the underlyings and nearest futures these are valued by."""
    instruments = held()
    found: set[int] = set()
    for underlying in Underlying.objects.filter(instruments__in=instruments).distinct() if instruments else ():
        alive = _alive(underlying, calendar_of(exchange=underlying.exchange), now_ms)
        own = set(alive.filter(pk__in=instruments).values_list("token", flat=True))
        found |= own | (_valued_by(alive) if own else set())
    return frozenset(found)


def _valued_by(alive: QuerySet[Instrument]) -> set[int]:
    """Return the tokens of the spot and of the nearest future."""
    spot = alive.filter(kind=InstrumentKind.SPOT).values_list("token", flat=True)
    future = alive.filter(kind=InstrumentKind.FUTURE).order_by("expiry").values_list("token", flat=True)[:1]
    return {*spot, *future}


def _wanted(underlying: Underlying, client: TickerClient, now_ms: int) -> _Wanted:
    """Return the spot, the nearest future, and of the nearest expiries the strikes around the money."""
    calendar = calendar_of(exchange=underlying.exchange)
    alive = _alive(underlying, calendar, now_ms)
    spot = alive.filter(kind=InstrumentKind.SPOT).first()
    options = alive.filter(kind__in=(InstrumentKind.CALL, InstrumentKind.PUT))
    nearest = list(options.order_by("expiry").values_list("expiry", flat=True).distinct())
    listed = list(
        options.filter(expiry__in=nearest[: settings.TICKER_SUBSCRIBE_EXPIRIES])
        .order_by("strike")
        .values_list("expiry", "strike", "token")
    )
    centre = _last_price(spot, client, now_ms) if spot else None
    levels = settings.TICKER_SUBSCRIBE_LEVELS
    always = _valued_by(alive)
    rows = [(expiry, float(strike or 0), token) for expiry, strike, token in listed]
    return _Wanted(
        frozenset(always | _around(rows, centre, levels)), frozenset(_around(rows, centre, levels + levels // 2))
    )


def _alive(underlying: Underlying, calendar: Calendar, now_ms: int) -> QuerySet[Instrument]:
    """Return the instruments that are listed and have not expired."""
    today = ist_date(from_ms(now_ms))
    first = today if to_ms(calendar.expires_at(today)) > now_ms else today + timedelta(days=1)
    return Instrument.objects.filter(
        Q(expiry=None) | Q(expiry__gte=first), Q(valid_to=None) | Q(valid_to__gte=today), underlying=underlying
    )


def _around(rows: Iterable[tuple[object, float, int]], centre: float | None, levels: int) -> set[int]:
    """Return the tokens of the strikes up to `levels` rungs from the money, all where nobody knows where that is."""
    ladders: dict[object, list[tuple[float, int]]] = {}
    for expiry, strike, token in rows:
        ladders.setdefault(expiry, []).append((strike, token))
    found: set[int] = set()
    for contracts in ladders.values():
        strikes = sorted({strike for strike, _ in contracts})
        at = len(strikes) if centre is None else _nearest(strikes, centre)
        low, high = (0, at) if centre is None else (max(at - levels, 0), at + levels)
        kept = set(strikes[low : high + 1])
        found |= {token for strike, token in contracts if strike in kept}
    return found


def _nearest(strikes: list[float], centre: float) -> int:
    above = bisect_left(strikes, centre)
    near = range(max(above - 1, 0), min(above + 1, len(strikes)))
    return min(near, key=lambda at: abs(strikes[at] - centre))


def _last_price(spot: Instrument, client: TickerClient, now_ms: int) -> float | None:
    """Return what the service says of the last minutes, else the newest bar that is stored, else None."""
    until = now_ms - now_ms % MINUTE_MS
    candles = client.history([spot.token], from_ms=until - LOOK_BACK_MS, to_ms=until).get(spot.token)
    if candles:
        return candles[-1].close
    bars = Bar.objects.filter(instrument=spot, time__gte=from_ms(now_ms) - BARS_OF, close__isnull=False)
    return bars.order_by("-time").values_list("close", flat=True).first()

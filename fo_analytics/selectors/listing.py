"""What is listed, page by page, with the terms of a day; and the underlyings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from fo_analytics.domain.calendar import from_ms, ist_date, to_ms
from fo_analytics.domain.symbols import aliases_of
from fo_analytics.models import Instrument, InstrumentKind, SupersededTerms, Underlying
from fo_analytics.queries import query
from fo_analytics.selectors.chains import live_states
from fo_analytics.topics import underlying_topic
from tradingviz.core.clock import now_ms

ORDER = ("underlying__symbol", "sort_expiry", "sort_strike", "kind")
Place = tuple[str, date, Decimal, str]
"""Where an instrument stands in the order of a listing; unique."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which instruments; strikes in rupees, both ends included. `day`: listed on that day (None: ever)."""

    underlying: Underlying | None = None
    expiry: date | None = None
    kinds: tuple[str, ...] = ()
    strike_min: Decimal | None = None
    strike_max: Decimal | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Instruments with the terms of `day`, and where the next page begins after (None: there is none)."""

    rows: Sequence[Mapping[str, Any]]
    day: date
    end: Place | None


def list_instruments(*, filters: Filters, after: Place | None, limit: int) -> Page:
    """Return a page of at most `limit` instruments with the terms of the filters' day, else today's; one query."""
    day = filters.day or ist_date(from_ms(now_ms()))
    found = _filtered(filters).annotate(
        sort_expiry=Coalesce("expiry", date.min), sort_strike=Coalesce("strike", Decimal(0))
    )
    if after is not None:
        found = found.filter(_beyond(after))
    terms = SupersededTerms.objects.filter(instrument=OuterRef("pk"), valid_to__gte=day).order_by("valid_to")
    rows = list(
        found.annotate(
            symbol=F("underlying__symbol"),
            lot=Coalesce(Subquery(terms.values("lot_size")[:1]), "lot_size"),
            tick=Coalesce(Subquery(terms.values("tick_size")[:1]), "tick_size"),
        )
        .order_by(*ORDER)
        .values(
            "token", "symbol", "kind", "tradingsymbol", "expiry", "strike", "lot", "tick", "valid_from", "valid_to"
        )[: limit + 1]
    )
    more = len(rows) > limit
    rows = rows[:limit]
    return Page(rows, day, _place(rows[-1]) if more else None)


def _filtered(filters: Filters) -> QuerySet[Instrument]:
    conditions: dict[str, Any] = {
        "underlying": filters.underlying,
        "expiry": filters.expiry,
        "kind__in": filters.kinds or None,
        "strike__gte": filters.strike_min,
        "strike__lte": filters.strike_max,
    }
    found = Instrument.objects.filter(**{name: value for name, value in conditions.items() if value is not None})
    if filters.day is None:
        return found
    listed = Q(valid_from=None) | Q(valid_from__lte=filters.day)
    return found.filter(listed, Q(valid_to=None) | Q(valid_to__gte=filters.day))


def _beyond(place: Place) -> Q:
    """Return the condition of standing behind a place: greater in the first column that differs."""
    beyond, same = Q(pk__in=()), Q()
    for name, value in zip(ORDER, place, strict=True):
        beyond |= same & Q(**{f"{name}__gt": value})
        same &= Q(**{name: value})
    return beyond


def _place(row: Mapping[str, Any]) -> Place:
    return row["symbol"], row["expiry"] or date.min, row["strike"] or Decimal(0), row["kind"]


@dataclass(frozen=True, slots=True)
class ListedUnderlying:
    """An underlying: option expiries that were listed and have not passed by its newest day, that instant (ms UTC)."""

    underlying: Underlying
    aliases: tuple[str, ...]
    expiries: int
    newest_ms: int | None


def list_underlyings() -> list[ListedUnderlying]:
    """Return all underlyings in order of their symbols; three queries and one look at what is live."""
    underlyings = list(Underlying.objects.all())
    newest = _newest([each.pk for each in underlyings])
    states = live_states(topics=[underlying_topic(each.symbol) for each in underlyings])
    for each, state in zip(underlyings, states, strict=True):
        if state is not None:
            newest[each.pk] = max(state.ts_event, newest.get(each.pk, 0))
    counts = _expiries({each.pk: newest.get(each.pk, now_ms()) for each in underlyings})
    return [
        ListedUnderlying(each, aliases_of(each.symbol), counts.get(each.pk, 0), newest.get(each.pk))
        for each in underlyings
    ]


def _newest(underlying_ids: list[int]) -> dict[int, int]:
    """Return the end of the newest stored minute of each underlying that has one, ms UTC."""
    with connection.cursor() as cursor:
        cursor.execute(query("newest_minutes"), {"underlying_ids": underlying_ids})
        return {pk: to_ms(time) for pk, time in cursor.fetchall() if time is not None}


def _expiries(as_of: Mapping[int, int]) -> dict[int, int]:
    """Return how many option expiries each underlying has that were listed by an instant's day and not over before."""
    alive = Q(pk__in=())
    for pk, instant in as_of.items():
        day = ist_date(from_ms(instant))
        alive |= Q(underlying=pk, expiry__gte=day) & (Q(valid_from=None) | Q(valid_from__lte=day))
    options = Instrument.objects.filter(alive, kind__in=(InstrumentKind.CALL, InstrumentKind.PUT))
    return dict(options.values_list("underlying").annotate(Count("expiry", distinct=True)).order_by())

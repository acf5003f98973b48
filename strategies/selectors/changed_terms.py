"""Legs whose contracts are not what they were when the legs were entered."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import F, Max, Min, OuterRef, Q, QuerySet, Subquery

from fo_analytics.models import Bar, SupersededTerms
from fo_analytics.selectors.reference import calendar
from strategies.domain.money import price_of
from strategies.models import Fill, Leg


@dataclass(frozen=True, slots=True)
class Changed:
    """A leg, since when (aware) its contract is another one, and what happened to it."""

    leg_id: int
    since: datetime
    what: str


def changed_legs() -> list[Changed]:
    """Return open legs whose contract was withdrawn, or (of a stock) has another lot than at entry; one query.

    Of an index only the lot is changed now and then, which changes no position: that is no corporate action. What staff
    accepted is left out.
    """
    entered = Fill.objects.filter(leg=OuterRef("pk")).order_by().values("leg").annotate(first=Min("at")).values("first")
    since_entry = SupersededTerms.objects.filter(
        instrument=OuterRef("instrument"), valid_to__gte=OuterRef("entered__date")
    )
    last = since_entry.order_by().values("instrument").annotate(last=Max("valid_to")).values("last")
    legs = Leg.objects.filter(open_lots__gt=0, frozen_at=None, settlement_price=None)
    rows = legs.annotate(entered=Subquery(entered)).annotate(superseded=Subquery(last)).filter(_lots() | _withdrawn())
    return [
        found
        for row in rows.select_related("instrument__underlying").order_by("pk")
        if (found := _changed(row)) is not None
    ]


def last_prices(*, leg_ids: list[int], before: datetime) -> dict[int, Decimal]:
    """Return the last stored price of each leg's contract before an aware instant, rupees; one query."""
    bars = Bar.objects.filter(instrument=OuterRef("instrument"), time__lt=before, close__isnull=False)
    rows = Leg.objects.filter(pk__in=leg_ids).annotate(price=Subquery(bars.order_by("-time").values("close")[:1]))
    return {pk: price_of(price) for pk, price in rows.values_list("pk", "price") if price is not None}


def open_legs_in(*, instrument_ids: list[int]) -> QuerySet[Leg, int]:
    """Return the keys of open legs in some contracts."""
    return Leg.objects.filter(instrument__in=instrument_ids, open_lots__gt=0).values_list("pk", flat=True)


def _lots() -> Q:
    stock = Q(instrument__underlying__is_index=False) & ~Q(instrument__lot_size=F("lot_size"))
    return stock & Q(superseded__isnull=False)


def _withdrawn() -> Q:
    return Q(instrument__valid_to__lt=F("instrument__expiry"))


def _changed(row: Leg) -> Changed | None:
    """What happened, where nobody accepted it."""
    contract = row.instrument
    withdrawn = contract.valid_to is not None and contract.expiry is not None and contract.valid_to < contract.expiry
    superseded: date | None = vars(row)["superseded"]
    day = contract.valid_to if withdrawn else superseded
    if day is None or (row.terms_accepted_until is not None and day <= row.terms_accepted_until):
        return None
    what = "the contract was withdrawn" if withdrawn else f"lot {row.lot_size} became {contract.lot_size}"
    return Changed(row.pk, calendar(exchange=contract.underlying.exchange).next_session_after(day).opens_at, what)

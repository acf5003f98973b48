"""Strategies that somebody may see, with what a list says of their legs."""

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.access import readable_accounts
from strategies.models import Leg, Strategy


def readable_strategies(*, user_id: int) -> QuerySet[Strategy]:
    """Return the strategies on accounts that a user owns or that are shared with them, each with its account."""
    return Strategy.objects.filter(account__in=readable_accounts(user_id=user_id)).select_related("account")


def with_summary(strategies: QuerySet[Strategy]) -> QuerySet[Strategy]:
    """Return strategies with `leg_count`, `open_legs` and `underlyings` (symbols, sorted), in the same query."""
    legs = Leg.objects.filter(strategy=OuterRef("pk")).order_by()
    symbols = legs.order_by("instrument__underlying__symbol").values("instrument__underlying__symbol").distinct()
    return strategies.annotate(
        leg_count=_count(legs), open_legs=_count(legs.filter(open_lots__gt=0)), underlyings=ArraySubquery(symbols)
    )


def filtered(
    strategies: QuerySet[Strategy], *, account: int | None, status: str | None, tag: str | None, underlying: str | None
) -> QuerySet[Strategy]:
    """Return the strategies on an account, in a status, with a tag, with a leg on an underlying (symbol)."""
    conditions = {
        "account": account,
        "status": status,
        "tags__contains": None if tag is None else [tag],
        "pk__in": None if underlying is None else _on(underlying),
    }
    return strategies.filter(**{name: value for name, value in conditions.items() if value is not None})


def _on(symbol: str) -> QuerySet[Leg, int]:
    return Leg.objects.filter(instrument__underlying__symbol=symbol).order_by().values_list("strategy_id", flat=True)


def _count(legs: QuerySet[Leg]) -> Coalesce:
    counted = legs.values("strategy").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted), 0)

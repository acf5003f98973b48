"""What strategies are worth, beside them in the admin: one set of queries for a whole page."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.timezone import localtime

from fo_analytics.domain.calendar import from_ms
from strategies.models import Strategy
from strategies.selectors.m2m import m2m_documents
from strategies.selectors.timeseries import newest_closes
from tradingviz.core.clock import now_ms

WIDTH, HEIGHT = 120, 24
COLUMNS = ("value", "unrealised", "partial", "as_of", "today")


def attach(rows: Iterable[Strategy]) -> None:
    """Give strategies what they are worth now, and the closes of their newest day."""
    rows = list(rows)
    keys = [row.pk for row in rows]
    documents, closes = m2m_documents(strategy_ids=keys, now_ms=now_ms()), newest_closes(strategy_ids=keys)
    for row in rows:
        vars(row).update(m2m=documents[row.pk], closes=closes.get(row.pk, ()))


def sparkline(closes: Sequence[int]) -> str:
    """Return an SVG of a line through the closes (paise), as high as there is room; nothing of fewer than two.

    Neither script nor style: the admin's policy allows none in the page.
    """
    if len(closes) < 2:
        return ""
    low, span, step = min(closes), max(closes) - min(closes) or 1, WIDTH / (len(closes) - 1)
    points = " ".join(
        f"{place * step:.1f},{HEIGHT * (1 - (close - low) / span):.1f}" for place, close in enumerate(closes)
    )
    said = f"from {closes[0] / 100:.2f} to {closes[-1] / 100:.2f}"
    return format_html(
        '<svg width="{}" height="{}" viewBox="-1 -1 {} {}" role="img" aria-label="{}">'
        '<polyline points="{}" fill="none" stroke="currentColor"></polyline></svg>',
        WIDTH, HEIGHT, WIDTH + 2, HEIGHT + 2, said, points,
    )  # fmt: skip


class ValuedList(ChangeList):
    """A page of strategies with what they are worth."""

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the rows of the page, and what is said of them."""
        super().get_results(request)
        self.result_list: Any = list(self.result_list)
        attach(self.result_list)


class Valued(admin.ModelAdmin[Strategy]):
    """Columns of what strategies are worth: rupees, as REST says it."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that fetches it."""
        return ValuedList

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Strategy | None:
        """Fetch it with a strategy that is to be shown."""
        found = super().get_object(request, object_id, from_field)
        if found is not None:
            attach([found])
        return found

    @admin.display(description="value", empty_value="not known")
    def value(self, strategy: Strategy) -> str | None:
        """Return what it has gained so far."""
        return _said(strategy, "value")

    @admin.display(description="unrealised", empty_value="not known")
    def unrealised(self, strategy: Strategy) -> str | None:
        """Return what of that is still open."""
        return _said(strategy, "unrealised")

    @admin.display(description="partial", boolean=True)
    def partial(self, strategy: Strategy) -> bool:
        """Return whether a price was old, or missing."""
        return bool(vars(strategy)["m2m"]["partial"])

    @admin.display(description="as of")
    def as_of(self, strategy: Strategy) -> str | None:
        """Return which instant it is of."""
        ts: int | None = vars(strategy)["m2m"]["ts_event"]
        return None if ts is None else f"{localtime(from_ms(ts)):%d %b %H:%M:%S}"

    @admin.display(description="newest day", empty_value="")
    def today(self, strategy: Strategy) -> str:
        """Return how it went on the newest day with candles."""
        return sparkline(vars(strategy)["closes"])


def _said(strategy: Strategy, name: str) -> str | None:
    said: str | None = vars(strategy)["m2m"][name]
    return said

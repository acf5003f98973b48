"""What strategies are worth, as columns of the admin: for all rows of a list at once."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.utils.html import format_html

from strategies.domain.sparkline import HEIGHT, WIDTH, points
from strategies.models import Strategy
from strategies.selectors.overview import Overview, overviews
from tradingviz.core.clock import now_ms

_LINE = (
    '<svg width="{}" height="{}" role="img" aria-label="{}">'
    '<polyline points="{}" fill="none" stroke="currentColor"/></svg>'
)


class ValuedList(ChangeList):
    """A page of strategies, each with its overview."""

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page and what its strategies are worth."""
        super().get_results(request)
        rows = list(self.result_list)
        found = overviews(strategy_ids=[row.pk for row in rows], now_ms=now_ms())
        for row in rows:
            vars(row)["overview"] = found[row.pk]
        self.result_list = rows


class Valued:
    """The columns."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list with values."""
        return ValuedList

    @admin.display(description="M2M now")
    def worth(self, strategy: Strategy) -> str:
        """Return the value and how much of it is realised, rupees; a star where a price is old."""
        found = _overview(strategy)
        if found.value is None:
            return "-"
        return f"{found.value}{'*' if found.partial else ''} ({found.realised} realised)"

    @admin.display(description="last 2 hours")
    def lately(self, strategy: Strategy) -> str:
        """Return its candles' closes as a line."""
        closes = _overview(strategy).closes
        drawn = points(closes)
        told = f"{closes[0] / 100:.2f} to {closes[-1] / 100:.2f}" if drawn else ""
        return format_html(_LINE, WIDTH, HEIGHT, told, drawn) if drawn else "-"


def _overview(strategy: Strategy) -> Overview:
    if "overview" not in vars(strategy):
        vars(strategy)["overview"] = overviews(strategy_ids=[strategy.pk], now_ms=now_ms())[strategy.pk]
    found: Overview = vars(strategy)["overview"]
    return found

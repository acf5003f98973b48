"""`/fo/strike-distribution`, `/fo/expiries`: chains as they are, or were."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from fo_analytics.api.answers import ExpiriesShape, StrikeDistributionShape
from fo_analytics.api.asking import PROBLEMS, Questions, days_behind, validated
from fo_analytics.api.parameters import StrikeDistributionParameters, UnderlyingParameters
from fo_analytics.api.rendering import Json, render_chain, render_expiries
from fo_analytics.domain.chain import Convention
from fo_analytics.selectors.strike_distribution import expiries_as_of, strike_distribution


class ChainQuestions(Questions):
    """Chains and their expiries."""

    @extend_schema(
        operation_id="fo_expiries",
        summary="Listed expiries with their labels",
        parameters=[UnderlyingParameters],
        responses={200: ExpiriesShape, **PROBLEMS},
    )
    @action(detail=False, url_path="expiries")
    def expiries(self, request: Request) -> Response:
        """List the expiries that have not expired, in order of time."""
        asked = validated(UnderlyingParameters, request)
        return self.answer(request, asked, lambda: _expiries(asked), days=days_behind(asked.get("at")))

    @extend_schema(
        operation_id="fo_strike_distribution",
        summary="Option chains with marks, implied volatility, Greeks, open interest and ages",
        parameters=[StrikeDistributionParameters],
        responses={200: StrikeDistributionShape, **PROBLEMS},
    )
    @action(detail=False, url_path="strike-distribution")
    def strike_distribution(self, request: Request) -> Response:
        """Show the chains live, or as they stood at a past instant."""
        asked = validated(StrikeDistributionParameters, request)
        return self.answer(request, asked, lambda: _strike_distribution(asked), days=days_behind(asked.get("at")))


def _expiries(asked: Mapping[str, Any]) -> Json:
    underlying, table = expiries_as_of(underlying=asked["underlying"], at=asked.get("at"))
    return {"underlying": underlying.symbol, "ts_event": table.as_of_ms, "expiries": render_expiries(table)}


def _strike_distribution(asked: Mapping[str, Any]) -> Json:
    found = strike_distribution(
        underlying=asked["underlying"],
        expiry=asked.get("expiry", ()),
        at=asked.get("at"),
        convention=Convention(asked["convention"]),
    )
    part = {name: asked[name] for name in ("levels", "option_side", "sort")}
    chains = [
        render_chain(chain, reference, labels=list(labels), **part)
        for chain, reference, labels in zip(found.chains, found.since_yesterday(), found.labels, strict=True)
    ]
    head = {"underlying": found.underlying.symbol, "ts_event": found.as_of_ms, "convention": asked["convention"]}
    return {**head, "levels": asked["levels"], "chains": chains}

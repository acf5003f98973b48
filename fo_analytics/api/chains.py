"""`/fo/strike-distribution`, `/fo/expiries`: chains as they are, or were."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from fo_analytics.api.answers import ExpiriesShape, StrikeDistributionShape
from fo_analytics.api.asking import PROBLEMS, Questions, days_behind, validated
from fo_analytics.api.examples import example
from fo_analytics.api.parameters import StrikeDistributionParameters, UnderlyingParameters
from fo_analytics.api.rendering import Json, render_chain, render_expiries
from fo_analytics.domain.chain import Convention
from fo_analytics.domain.timeframes import MINUTE, Bucket
from fo_analytics.selectors.buckets import closed_bucket, with_volumes_of
from fo_analytics.selectors.depth import live_books
from fo_analytics.selectors.strike_distribution import expiries_as_of, strike_distribution


class ChainQuestions(Questions):
    """Chains and their expiries."""

    @extend_schema(
        operation_id="fo_expiries",
        summary="Listed expiries with their labels",
        parameters=[UnderlyingParameters],
        responses={200: ExpiriesShape, **PROBLEMS},
        examples=[example("expiries")],
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
        examples=[example("strike-distribution")],
    )
    @action(detail=False, url_path="strike-distribution")
    def strike_distribution(self, request: Request) -> Response:
        """Show the chains live, or as they stood at a past instant."""
        asked, bucket = _at_a_close(validated(StrikeDistributionParameters, request))
        days, timeframe = days_behind(asked.get("at")), asked.get("timeframe", MINUTE)
        return self.answer(request, asked, lambda: _strike_distribution(asked, bucket), timeframe=timeframe, days=days)


def _expiries(asked: Mapping[str, Any]) -> Json:
    underlying, table = expiries_as_of(underlying=asked["underlying"], at=asked.get("at"))
    return {"underlying": underlying.symbol, "ts_event": table.as_of_ms, "expiries": render_expiries(table)}


def _at_a_close(asked: Mapping[str, Any]) -> tuple[Mapping[str, Any], Bucket | None]:
    """Return what is asked as of the close of the bucket that is meant: whoever means the same one asks the same."""
    if "timeframe" not in asked:
        return asked, None
    bucket = closed_bucket(underlying=asked["underlying"], timeframe=asked["timeframe"], at=asked.get("at"))
    return {**asked, "at": bucket.closes_ms}, bucket


def _strike_distribution(asked: Mapping[str, Any], bucket: Bucket | None) -> Json:
    found = strike_distribution(
        underlying=asked["underlying"],
        expiry=asked.get("expiry", ()),
        at=asked.get("at"),
        convention=Convention(asked["convention"]),
    )
    if bucket:
        found = with_volumes_of(found=found, bucket=bucket)
    part = {name: asked[name] for name in ("levels", "option_side", "sort")}
    parts = zip(found.chains, found.since_yesterday(), live_books(found=found), found.labels, strict=True)
    chains = [
        render_chain(chain, reference, books, labels=list(labels), **part) for chain, reference, books, labels in parts
    ]
    head = {"underlying": found.underlying.symbol, "ts_event": found.as_of_ms, "convention": asked["convention"]}
    opens = bucket and bucket.opens_ms // 1000
    return {**head, "timeframe": asked.get("timeframe"), "time": opens, "levels": asked["levels"], "chains": chains}

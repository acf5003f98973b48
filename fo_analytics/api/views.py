"""`/fo/*`: one action per question."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from fo_analytics.api.answers import ExpiriesShape, ProblemShape, StrikeDistributionShape
from fo_analytics.api.parameters import StrikeDistributionParameters, UnderlyingParameters
from fo_analytics.api.rendering import render_chain
from fo_analytics.domain.calendar import to_ms
from fo_analytics.domain.chain import Convention
from fo_analytics.selectors.strike_distribution import expiries_as_of, strike_distribution
from tradingviz.core.errors import PROBLEM_TYPE

PROBLEMS = {
    (status, PROBLEM_TYPE): OpenApiResponse(ProblemShape, description=text)
    for status, text in (
        (400, "a parameter is not valid; `errors` names it"),
        (401, "no valid token"),
        (503, "nothing is known of the underlying yet"),
    )
}


def validated(shape: type[serializers.Serializer[Any]], request: Request) -> Mapping[str, Any]:
    """Return the query parameters; raises a 400 that names those that are wrong or unknown."""
    unknown = sorted(set(request.query_params) - set(shape().fields))
    if unknown:
        raise serializers.ValidationError({name: ["unknown parameter"] for name in unknown})
    serializer = shape(data=request.query_params)
    serializer.is_valid(raise_exception=True)
    values: Mapping[str, Any] = serializer.validated_data
    return values


class FoViewSet(GenericViewSet[Any]):
    """Questions about the market of one underlying."""

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
        underlying, table = expiries_as_of(underlying=asked["underlying"], at=asked.get("at"))
        rows = [
            {
                "expiry": item.expiry,
                "labels": item.labels,
                "kinds": item.kinds,
                "days": item.days,
                "ts_expiry": to_ms(table.calendar.expires_at(item.expiry)),
            }
            for item in table.alive()
        ]
        return Response({"underlying": underlying.symbol, "ts_event": table.as_of_ms, "expiries": rows})

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
        found = strike_distribution(
            underlying=asked["underlying"],
            expiry=asked.get("expiry", ()),
            at=asked.get("at"),
            convention=Convention(asked["convention"]),
        )
        part = {name: asked[name] for name in ("levels", "option_side", "sort")}
        chains = [
            render_chain(chain, labels=list(labels), **part)
            for chain, labels in zip(found.chains, found.labels, strict=True)
        ]
        head = {
            "underlying": found.underlying.symbol,
            "ts_event": found.as_of_ms,
            "convention": asked["convention"],
        }
        return Response({**head, "levels": asked["levels"], "chains": chains})

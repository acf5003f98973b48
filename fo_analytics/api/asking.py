"""What every question to `/fo/*` shares: checked parameters, documented problems, one way to answer."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from fo_analytics.api.answers import ProblemShape
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
    serializer = shape(data=request.query_params)
    unknown = sorted(set(request.query_params) - set(serializer.fields))
    if unknown:
        raise serializers.ValidationError({name: ["unknown parameter"] for name in unknown})
    serializer.is_valid(raise_exception=True)
    values: Mapping[str, Any] = serializer.validated_data
    return values


class Questions:
    """A group of actions of the viewset."""

    def answer(
        self,
        request: Request,
        asked: Mapping[str, Any],
        load: Callable[[], Mapping[str, Any]],
        *,
        timeframe: str = "1m",
        days: tuple[date, date] | None = None,
    ) -> Response:
        """Return what `load` makes of a request.

        `asked` are its validated parameters, all that `load` depends on but the market. `days`: the stored days it is
        made of, first and last; None: what is live. `timeframe` tells how long it may be kept.
        """
        return Response(load())

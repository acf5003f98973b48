"""Shapes of answers that every app has, for the OpenAPI document."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

from tradingviz.core.errors import PROBLEM_TYPE

Shape = serializers.Serializer[Any]


class ProblemShape(Shape):
    """An error (problem+json)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = serializers.ListField(child=serializers.DictField())  # type: ignore[assignment]  # the base has a property


Problems = dict[tuple[int, str], OpenApiResponse]


def problems(texts: Mapping[int, str]) -> Problems:
    """Return the error answers of an operation: why each status comes."""
    return {(status, PROBLEM_TYPE): OpenApiResponse(ProblemShape, description=why) for status, why in texts.items()}


# Answers of the gate, which any path may give.
GATE_PROBLEMS = problems(
    {413: "the request is too large", 429: "too many requests; `Retry-After` says for how many seconds"}
)

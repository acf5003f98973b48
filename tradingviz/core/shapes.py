"""Shapes of answers that every app has, for the OpenAPI document."""

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


def problems(**texts: str) -> dict[tuple[int, str], OpenApiResponse]:
    """Return the error answers of an operation: `problems(s400="why")`."""
    return {
        (int(status.removeprefix("s")), PROBLEM_TYPE): OpenApiResponse(ProblemShape, description=text)
        for status, text in texts.items()
    }


# Answers of the gate, which any path may give.
GATE_PROBLEMS = problems(s413="the request is too large", s429="too many requests; Retry-After says when to come again")

"""`/fo/depth`: the order book of contracts."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from fo_analytics.api.asking import PROBLEMS, Questions, days_behind, validated
from fo_analytics.api.depth_rendering import render_depth
from fo_analytics.api.depth_shapes import DepthParameters, DepthShape
from fo_analytics.api.examples import example
from fo_analytics.selectors.depth import chain_depth


class DepthQuestions(Questions):
    """The order book of contracts."""

    @extend_schema(
        operation_id="fo_depth",
        summary="Order books with spread, microprice, imbalance, impact cost and liquidity",
        parameters=[DepthParameters],
        responses={200: DepthShape, **PROBLEMS},
        examples=[example("depth")],
    )
    @action(detail=False, url_path="depth")
    def depth(self, request: Request) -> Response:
        """Show the books live, or the best quotes as they stood at a past instant."""
        asked = validated(DepthParameters, request)

        def load() -> Mapping[str, Any]:
            found = chain_depth(underlying=asked["underlying"], expiry=asked.get("expiry"), at=asked.get("at"))
            part = {name: asked[name] for name in ("levels", "option_side", "lots", "sort")}
            return render_depth(found, **part)

        return self.answer(request, asked, load, days=days_behind(asked.get("at")))

"""What a strategy is worth, now and over time."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.viewsets import GenericViewSet

from accounts.principal import STRATEGIES
from fo_analytics.api.asking import validated
from strategies.api.asking import problems, to_read
from strategies.api.marks_shapes import M2M_EXAMPLE, CandleParameters, CandlesShape, M2MShape
from strategies.models import Strategy
from strategies.selectors.m2m import m2m_documents
from strategies.selectors.timeseries import candle_columns
from tradingviz.core.clock import now_ms


class M2MViewSet(GenericViewSet[Strategy]):
    """The value of a strategy."""

    required_scope = STRATEGIES
    queryset = Strategy.objects.all()
    lookup_value_converter = "int"

    @extend_schema(
        operation_id="strategies_m2m",
        summary="What a strategy is worth now",
        responses={200: M2MShape, **problems(404)},
        examples=[M2M_EXAMPLE],
    )
    @action(detail=True, url_path="m2m")
    def m2m(self, request: Request, pk: int) -> Response:
        """Mark a strategy to market: value, realised, unrealised, net Greeks; `partial` says which prices are old."""
        strategy = to_read(request, pk)
        document = m2m_documents(strategy_ids=[strategy.pk], now_ms=now_ms())[strategy.pk]
        return Response(_aged(document))

    @extend_schema(
        operation_id="strategies_m2m_timeseries",
        summary="Candles of a strategy's value",
        parameters=[CandleParameters],
        responses={200: CandlesShape, **problems(404)},
    )
    @action(detail=True, url_path="m2m/timeseries")
    def timeseries(self, request: Request, pk: int) -> Response:
        """Show the candles of a strategy's own value, as columns of one length."""
        strategy, asked = to_read(request, pk), validated(CandleParameters, request)
        span, columns = candle_columns(
            strategy_id=strategy.pk,
            timeframe=asked["timeframe"],
            since_ms=asked.get("from"),
            until_ms=asked.get("to"),
            now_ms=now_ms(),
        )
        covered = {"from": span.since_ms // 1000, "to": span.until_ms // 1000, "capped": span.capped}
        return Response({"strategy": strategy.pk, "timeframe": asked["timeframe"], **covered, **columns})


def _aged(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with each price's age beside its stamp."""
    as_of = document["ts_event"]
    legs = {
        pk: {**leg, "price_age_ms": None if leg["price_ts"] is None else max(0, as_of - leg["price_ts"])}
        for pk, leg in document["legs"].items()
    }
    return {**document, "legs": legs}


router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("strategies", M2MViewSet, basename="strategy-m2m")
urlpatterns = [*router.urls]

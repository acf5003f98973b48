"""How things went over time: moneyness series, metrics, straddles, the history of a strike."""

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from fo_analytics.api.asking import PROBLEMS, Questions, validated
from fo_analytics.api.examples import example
from fo_analytics.api.series_answers import (
    MAX_STRADDLE_DAYS,
    Over,
    metrics_answer,
    moneyness_answer,
    straddle_answer,
    strike_history_answer,
)
from fo_analytics.api.series_shapes import (
    MetricsSeriesParameters,
    MetricsSeriesShape,
    MoneynessSeriesParameters,
    MoneynessSeriesShape,
    StraddleSeriesParameters,
    StraddleSeriesShape,
    StrikeHistoryParameters,
    StrikeHistoryShape,
)


class SeriesQuestions(Questions):
    """How things went over time: moneyness series, metrics, straddles, the history of a strike."""

    @extend_schema(
        operation_id="fo_strike_history",
        summary="Bars of the call and the put of a strike",
        parameters=[StrikeHistoryParameters],
        responses={200: StrikeHistoryShape, **PROBLEMS},
        examples=[example("strike-history")],
    )
    @action(detail=False, url_path="strike-history")
    def strike_history(self, request: Request) -> Response:
        """Show the bars of a contract, or of both of a strike."""
        over = Over.of(validated(StrikeHistoryParameters, request)).with_expiry_at_end()
        return self.answer(
            request, over.asked, lambda: strike_history_answer(over), timeframe=over.timeframe, days=over.days
        )

    @extend_schema(
        operation_id="fo_moneyness_series",
        summary="Indicators at levels of moneyness over time",
        parameters=[MoneynessSeriesParameters],
        responses={200: MoneynessSeriesShape, **PROBLEMS},
        examples=[example("moneyness-series")],
    )
    @action(detail=False, url_path="moneyness-series")
    def moneyness_series(self, request: Request) -> Response:
        """Show what stood at the money, or steps away from it, bucket by bucket."""
        over = Over.of(validated(MoneynessSeriesParameters, request))
        return self.answer(
            request, over.asked, lambda: moneyness_answer(over), timeframe=over.timeframe, days=over.days
        )

    @extend_schema(
        operation_id="fo_metrics_series",
        summary="Measures of a whole chain over time",
        parameters=[MetricsSeriesParameters],
        responses={200: MetricsSeriesShape, **PROBLEMS},
        examples=[example("metrics-series")],
    )
    @action(detail=False, url_path="metrics-series")
    def metrics_series(self, request: Request) -> Response:
        """Show spot, forward, open interest, put-call ratios, max pain, … bucket by bucket."""
        over = Over.of(validated(MetricsSeriesParameters, request))
        return self.answer(request, over.asked, lambda: metrics_answer(over), timeframe=over.timeframe, days=over.days)

    @extend_schema(
        operation_id="fo_straddle_series",
        summary="Premium of a straddle over time",
        parameters=[StraddleSeriesParameters],
        responses={200: StraddleSeriesShape, **PROBLEMS},
        examples=[example("straddle-series")],
    )
    @action(detail=False, url_path="straddle-series")
    def straddle_series(self, request: Request) -> Response:
        """Show the straddle at the money, with the move it expects, or that of one strike."""
        over = Over.of(validated(StraddleSeriesParameters, request), max_days=MAX_STRADDLE_DAYS)
        over = over.with_expiry_at_end() if "strike" in over.asked else over
        return self.answer(request, over.asked, lambda: straddle_answer(over), timeframe=over.timeframe, days=over.days)

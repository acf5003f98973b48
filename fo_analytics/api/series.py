"""How things went over time: moneyness series, metrics, straddles, the history of a strike."""

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from fo_analytics.api.asking import PROBLEMS, Questions, validated
from fo_analytics.api.series_answers import Over, strike_history_answer
from fo_analytics.api.series_shapes import StrikeHistoryParameters, StrikeHistoryShape


class SeriesQuestions(Questions):
    """How things went over time: moneyness series, metrics, straddles, the history of a strike."""

    @extend_schema(
        operation_id="fo_strike_history",
        summary="Bars of the call and the put of a strike",
        parameters=[StrikeHistoryParameters],
        responses={200: StrikeHistoryShape, **PROBLEMS},
    )
    @action(detail=False, url_path="strike-history")
    def strike_history(self, request: Request) -> Response:
        """Show the bars of a contract, or of both of a strike."""
        over = Over.of(validated(StrikeHistoryParameters, request))
        return self.answer(
            request, over.asked, lambda: strike_history_answer(over), timeframe=over.timeframe, days=over.days
        )

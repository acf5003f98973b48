"""`/fo/*`: one viewset, one action per question; the questions stand in modules by subject."""

from typing import Any

from rest_framework.viewsets import GenericViewSet

from accounts.principal import MARKET
from fo_analytics.api.analytics import AnalyticsQuestions
from fo_analytics.api.chains import ChainQuestions
from fo_analytics.api.depth import DepthQuestions
from fo_analytics.api.reference import ReferenceQuestions
from fo_analytics.api.series import SeriesQuestions


class FoViewSet(
    ChainQuestions, AnalyticsQuestions, SeriesQuestions, DepthQuestions, ReferenceQuestions, GenericViewSet[Any]
):
    """Questions about the market of one underlying."""

    required_scope = MARKET

"""`/strategies`: a user's own, and those on accounts that are shared with them."""

from django.db import transaction
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.api.views import pk_of
from accounts.principal import STRATEGIES
from fo_analytics.selectors.reference import find_underlying
from strategies.api import examples
from strategies.api.asking import account_to_write, asked, now, problems, readable, taken, to_read, to_write
from strategies.api.bodies import ChangedStrategy, NewStrategy, StrategiesParameters, closing_of, leg_of_body, said_of
from strategies.api.rendering import render_all, render_with_legs
from strategies.api.shapes import StrategyShape, StrategyWithLegsShape
from strategies.models import Strategy
from strategies.selectors.strategies import filtered, with_summary
from strategies.services import strategies as services
from tradingviz.core.pagination import Cursor


class NewestFirst(Cursor):
    """Pages of strategies."""

    ordering = "-id"


class StrategyViewSet(GenericViewSet[Strategy]):
    """Strategies: legs that are valued together."""

    required_scope = STRATEGIES
    queryset = Strategy.objects.none()
    serializer_class = StrategyShape
    pagination_class = NewestFirst

    @extend_schema(
        operation_id="strategies",
        summary="Strategies, page by page",
        parameters=[StrategiesParameters],
        responses={200: StrategyShape(many=True), **problems()},
    )
    def list(self, request: Request) -> Response:
        """List the strategies on your accounts and on those shared with you, newest first."""
        chosen = asked(StrategiesParameters, request)
        names = ("account", "status", "tag")
        underlying = find_underlying(name=chosen["underlying"]).symbol if "underlying" in chosen else None
        rows = filtered(readable(request), underlying=underlying, **{name: chosen.get(name) for name in names})
        page = self.paginate_queryset(with_summary(rows)) or []
        return self.get_paginated_response(render_all(page, user_id=pk_of(request)))

    @extend_schema(
        operation_id="strategies_create",
        summary="Make a strategy with its legs",
        request=NewStrategy,
        examples=[examples.NEW, examples.MADE],
        responses={201: StrategyWithLegsShape, **problems()},
    )
    def create(self, request: Request) -> Response:
        """Make a strategy on an account of yours: with all its legs, or not at all."""
        body = taken(NewStrategy, request)
        account = account_to_write(request, body["account"])
        legs = [leg_of_body(values) for values in body.get("legs", ())]
        activate = body["status"] == Strategy.Status.ACTIVE
        made = services.create_strategy(account=account, legs=legs, activate=activate, now=now(), **said_of(body))
        return Response(render_with_legs(strategy_id=made, user_id=pk_of(request)), status=201)

    @extend_schema(
        operation_id="strategies_one",
        summary="A strategy with its legs",
        examples=[examples.STRATEGY],
        responses={200: StrategyWithLegsShape, **problems(404)},
    )
    def retrieve(self, request: Request, pk: int) -> Response:
        """Show a strategy and all that happened to its legs."""
        to_read(request, pk)
        return Response(render_with_legs(strategy_id=pk, user_id=pk_of(request)))

    @extend_schema(
        operation_id="strategies_change",
        summary="Change, activate, pause or close a strategy",
        request=ChangedStrategy,
        examples=[examples.CHANGED, examples.STRATEGY],
        responses={200: StrategyWithLegsShape, **problems(404)},
    )
    def partial_update(self, request: Request, pk: int) -> Response:
        """Change what is given: all of it, or nothing. From draft to active, to paused and back, to closed.

        Nothing may be open in what is closed: give `exits` for the legs that are. A strategy that was paused has the
        candles of its pause made once it is active again.
        """
        to_write(request, pk)
        body = dict(taken(ChangedStrategy, request))
        status, closing = body.pop("status", None), [closing_of(one) for one in body.pop("exits", ())]
        with transaction.atomic():
            if body:
                services.update_strategy(strategy_id=pk, **body)
            if status:
                services.change_status(strategy_id=pk, status=status, now=now(), closing=closing)
        return Response(render_with_legs(strategy_id=pk, user_id=pk_of(request)))

    @extend_schema(
        operation_id="strategies_delete",
        summary="Remove a strategy",
        responses={204: None, **problems(404)},
    )
    def destroy(self, request: Request, pk: int) -> Response:
        """Remove a strategy with its legs, candles and alerts, for good."""
        services.delete_strategy(strategy_id=to_write(request, pk).pk)
        return Response(status=204)


_view = StrategyViewSet.as_view
urlpatterns = [
    path("strategies", _view({"get": "list", "post": "create"}), name="strategies"),
    path(
        "strategies/<int:pk>",
        _view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="strategy",
    ),
]

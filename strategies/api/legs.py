"""`/strategies/{id}/instruments`: legs, and what is bought and sold of them."""

from collections.abc import Callable

from django.shortcuts import get_object_or_404
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.principal import STRATEGIES
from strategies.api import examples
from strategies.api.asking import IDEMPOTENCY_KEY, idempotency_key, now, problems, taken, to_read, to_write
from strategies.api.bodies import LegBody, TradeBody, leg_of_body, trade_of
from strategies.api.rendering import render_leg, render_legs
from strategies.api.shapes import LegShape, LegsShape
from strategies.models import Leg
from strategies.selectors.legs import stored_legs
from strategies.services import trades


class LegViewSet(GenericViewSet[Leg]):
    """Legs of a strategy."""

    required_scope = STRATEGIES
    queryset = Leg.objects.none()
    serializer_class = LegShape

    @extend_schema(
        operation_id="strategies_instruments",
        summary="The legs of a strategy",
        examples=[examples.LEGS],
        responses={200: LegsShape, **problems(404)},
    )
    def legs(self, request: Request, pk: int) -> Response:
        """List the legs in the order in which they were added, with all that happened to them."""
        to_read(request, pk)
        return Response({"instruments": render_legs(strategy_id=pk)})

    @extend_schema(
        operation_id="strategies_instruments_create",
        summary="Add a leg",
        request=LegBody,
        parameters=[IDEMPOTENCY_KEY],
        examples=[examples.NEW_LEG, examples.LEG_MADE],
        responses={201: LegShape, **problems(404)},
    )
    def create(self, request: Request, pk: int) -> Response:
        """Add a leg. Its lot size is that of the day of entry, and stays. Without a price: what it trades at now."""
        to_write(request, pk)
        key, leg = idempotency_key(request), leg_of_body(taken(LegBody, request))
        made = trades.add_leg(strategy_id=pk, leg=leg, now=now(), key=key)
        return Response(_shown(pk, made), status=201)

    @extend_schema(
        operation_id="strategies_instrument",
        summary="A leg",
        examples=[examples.LEG],
        responses={200: LegShape, **problems(404)},
    )
    def retrieve(self, request: Request, pk: int, leg: int) -> Response:
        """Show a leg and all that happened to it."""
        to_read(request, pk)
        return Response(_shown(pk, leg))

    @extend_schema(
        operation_id="strategies_instrument_delete",
        summary="Take a leg out of a draft",
        responses={204: None, **problems(404)},
    )
    def destroy(self, request: Request, pk: int, leg: int) -> Response:
        """Take a leg out of a draft; a leg of any other strategy is exited instead."""
        to_write(request, pk)
        trades.delete_leg(strategy_id=pk, leg_id=leg)
        return Response(status=204)

    @extend_schema(
        operation_id="strategies_instrument_entries",
        summary="Add lots to a leg",
        request=TradeBody,
        parameters=[IDEMPOTENCY_KEY],
        examples=[examples.TRADED, examples.LEG_MADE],
        responses={201: LegShape, **problems(404)},
    )
    def enter(self, request: Request, pk: int, leg: int) -> Response:
        """Add lots to a leg that is open; they average into its entry price."""
        return self._trade(request, pk, leg, trades.add_lots)

    @extend_schema(
        operation_id="strategies_instrument_exits",
        summary="Exit lots of a leg",
        request=TradeBody,
        parameters=[IDEMPOTENCY_KEY],
        examples=[examples.TRADED, examples.LEG_MADE],
        responses={201: LegShape, **problems(404)},
    )
    def exit(self, request: Request, pk: int, leg: int) -> Response:
        """Close lots of a leg at the average price of its entries."""
        return self._trade(request, pk, leg, trades.exit_lots)

    def _trade(self, request: Request, pk: int, leg: int, act: Callable[..., int]) -> Response:
        to_write(request, pk)
        key, trade = idempotency_key(request), trade_of(taken(TradeBody, request))
        act(strategy_id=pk, leg_id=leg, trade=trade, now=now(), key=key)
        return Response(_shown(pk, leg), status=201)


def _shown(pk: int, leg: int) -> dict[str, object]:
    return render_leg(get_object_or_404(stored_legs(), pk=leg, strategy=pk))


_view = LegViewSet.as_view
_LEG = "strategies/<int:pk>/instruments/<int:leg>"
urlpatterns = [
    path("strategies/<int:pk>/instruments", _view({"get": "legs", "post": "create"}), name="legs"),
    path(_LEG, _view({"get": "retrieve", "delete": "destroy"}), name="leg"),
    path(f"{_LEG}/entries", _view({"post": "enter"}), name="leg-entries"),
    path(f"{_LEG}/exits", _view({"post": "exit"}), name="leg-exits"),
]

"""`/strategies/from-positions`: a strategy of what an account holds."""

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.descriptions import asked as body_example
from accounts.api.views import pk_of
from accounts.principal import ACCOUNTS, STRATEGIES
from accounts.selectors.positions import net_positions
from strategies.api import examples
from strategies.api.asking import account_to_write, now, problems, taken
from strategies.api.bodies import BIGGEST_KEY, StrategyFields, said_of
from strategies.api.rendering import render_with_legs
from strategies.api.shapes import StrategyWithLegsShape
from strategies.services.from_positions import create_from_positions
from strategies.services.trades import MOST_LEGS
from tradingviz.core.bodies import WholeField


class PositionsBody(StrategyFields):
    """A strategy to be made of net positions."""

    account = WholeField(min_value=1, max_value=BIGGEST_KEY, help_text="the trading account it is on; yours")
    tokens = serializers.ListField(
        child=WholeField(min_value=1, max_value=BIGGEST_KEY),
        required=False,
        min_length=1,
        max_length=MOST_LEGS,
        help_text="of which contracts; default all that are open",
    )
    activate = serializers.BooleanField(default=False, help_text="else it is a draft")


class FromPositionsView(APIView):
    """Strategies of positions."""

    # Its legs tell what the account holds, at which prices.
    required_scope = (STRATEGIES, ACCOUNTS)

    @extend_schema(
        operation_id="strategies_from_positions",
        summary="Make a strategy of what an account holds",
        request=PositionsBody,
        examples=[body_example("all that is open", {"account": 3, "name": "held", "activate": True}), examples.MADE],
        responses={201: StrategyWithLegsShape, **problems()},
    )
    def post(self, request: Request) -> Response:
        """Make a leg of each net position, at its average price: entered now, or at the close of the last session.

        An API key needs the scopes `strategies` and `accounts`.
        """
        body = taken(PositionsBody, request)
        account, chosen = account_to_write(request, body["account"]), body.get("tokens")
        held, active = net_positions(account_id=account.pk), body["activate"]
        made = create_from_positions(
            account=account, positions=held, tokens=chosen, activate=active, now=now(), **said_of(body)
        )
        return Response(render_with_legs(strategy_id=made, user_id=pk_of(request)), status=201)


urlpatterns = [path("strategies/from-positions", FromPositionsView.as_view(), name="strategy-from-positions")]

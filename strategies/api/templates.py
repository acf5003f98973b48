"""`/strategies/from-template`: strikes by level or delta, prices by the chain."""

from collections.abc import Callable, Mapping
from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.descriptions import asked as body_example
from accounts.api.views import pk_of
from accounts.principal import STRATEGIES
from strategies.api import examples
from strategies.api.asking import account_to_write, now, problems, taken
from strategies.api.bodies import BIGGEST_KEY, StrategyFields, said_of
from strategies.api.rendering import render_with_legs
from strategies.api.shapes import StrategyWithLegsShape
from strategies.domain.legs import Kind, Side
from strategies.domain.templates import Delta, Level, Place
from strategies.services.fills import MOST_UNITS
from strategies.services.templates import CHOICES, Order, create_from_template
from tradingviz.core.bodies import Body, ChoiceField, TextField, WholeField

_EXAMPLE = {
    "account": 3, "template": "iron_condor", "underlying": "NIFTY", "expiry": "NWeek+0", "lots": 1,
    "place": {"delta": 0.25}, "wing": 4, "activate": True,
}  # fmt: skip


class PlaceBody(Body):
    """Which strike: by `levels`, rungs out of the money (below 0: in it), or by the size of its `delta`."""

    levels = WholeField(min_value=-500, max_value=500, required=False)
    delta = serializers.FloatField(min_value=0.01, max_value=0.99, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take one of the two."""
        if len(attrs) != 1:
            raise serializers.ValidationError("give levels or delta")
        return attrs


class TemplateBody(StrategyFields):
    """A strategy to be made from a template; which of the last ones it takes depends on the template."""

    name = TextField(max_length=100, required=False, help_text="default: template, underlying and expiry")
    account = WholeField(min_value=1, max_value=BIGGEST_KEY, help_text="the trading account it is on; yours")
    template = ChoiceField(choices=list(CHOICES))
    underlying = TextField(max_length=32, help_text="symbol or alias, e.g. NIFTY")
    expiry = TextField(max_length=32, help_text="a date or label (NWeek+0, NMonth+1, …)")
    lots = WholeField(min_value=1, max_value=MOST_UNITS, help_text="of each leg")
    activate = serializers.BooleanField(default=False, help_text="else it is a draft")
    at = serializers.DateTimeField(required=False, help_text="a past instant: strikes and prices of then; default live")
    side = ChoiceField(
        choices=[side.value for side in Side], required=False, help_text="straddle, strangle: bought or sold"
    )
    kind = ChoiceField(choices=[Kind.CALL.value, Kind.PUT.value], required=False, help_text="vertical, calendar")
    place = PlaceBody(required=False, help_text="straddle (default at the money), strangle, iron_condor, calendar")
    bought = PlaceBody(required=False, help_text="vertical")
    sold = PlaceBody(required=False, help_text="vertical")
    wing = WholeField(
        min_value=1, max_value=500, required=False, help_text="iron_condor: rungs from what is sold to what is bought"
    )
    far_expiry = TextField(max_length=32, required=False, help_text="calendar: of what is bought")


class FromTemplateView(APIView):
    """Strategies by template."""

    required_scope = STRATEGIES

    @extend_schema(
        operation_id="strategies_from_template",
        summary="Make a strategy from a template",
        request=TemplateBody,
        examples=[body_example("an iron condor", _EXAMPLE), examples.MADE],
        responses={201: StrategyWithLegsShape, **problems()},
    )
    def post(self, request: Request) -> Response:
        """Pick listed strikes from the chain, and enter each leg at its mark, on the tick (of two the worse price).

        All legs are of the chain's instant. An active one needs a market that is open, or a past instant `at`.
        """
        body = dict(taken(TemplateBody, request))
        account, activate = account_to_write(request, body["account"]), body["activate"]
        made = create_from_template(account=account, order=_order(body), activate=activate, now=now(), **said_of(body))
        return Response(render_with_legs(strategy_id=made, user_id=pk_of(request)), status=201)


def _order(body: Mapping[str, Any]) -> Order:
    choices = {name: made(body[name]) for name, made in _CHOICES.items() if name in body}
    subject = {name: body[name] for name in ("template", "underlying", "expiry", "lots")}
    return Order(choices=choices, at=body.get("at"), **subject)


def _place(value: Mapping[str, Any]) -> Place:
    return Delta(value["delta"]) if "delta" in value else Level(value["levels"])


_CHOICES: Mapping[str, Callable[[Any], Any]] = {
    "side": Side, "kind": Kind, "place": _place, "bought": _place, "sold": _place, "wing": int, "far_expiry": str,
}  # fmt: skip


urlpatterns = [path("strategies/from-template", FromTemplateView.as_view(), name="strategy-from-template")]

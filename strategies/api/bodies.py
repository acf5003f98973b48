"""What clients send about strategies, and the values that services take."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from strategies.domain.legs import Kind, Side
from strategies.domain.m2m import Valuation
from strategies.models import Strategy
from strategies.selectors.instruments import Named
from strategies.services.fills import MOST_UNITS, Trade
from strategies.services.strategies import Closing
from strategies.services.trades import MOST_LEGS, NewLeg
from tradingviz.core.bodies import Body, ChoiceField, PriceField, TextField, WholeField

MOST_TAGS = 20
LOWEST, HIGHEST = Decimal("0.0001"), Decimal(10_000_000)
BIGGEST_KEY = (1 << 63) - 1


class StrategiesParameters(Body):
    """Which strategies."""

    account = serializers.IntegerField(required=False, min_value=1, max_value=BIGGEST_KEY, help_text="on this account")
    status = ChoiceField(choices=Strategy.Status.values, required=False)
    tag = serializers.CharField(max_length=32, required=False, help_text="that have this tag")
    underlying = serializers.CharField(
        max_length=32, required=False, help_text="that have a leg on it: symbol or alias, e.g. NIFTY"
    )


class TradeBody(Body):
    """Lots that were traded."""

    lots = WholeField(min_value=1, max_value=MOST_UNITS)
    price = PriceField(
        required=False, min_value=LOWEST, max_value=HIGHEST, help_text="rupees a unit; default: what it trades at now"
    )
    at = serializers.DateTimeField(required=False, help_text="default now; IST where it has no offset")
    average = serializers.BooleanField(
        default=False, help_text="the price is that of several trades, and need not be on the contract's tick"
    )


class NamedBody(Body):
    """A contract named by `token`, by `tradingsymbol`, or by what it is; and which way it is traded."""

    token = WholeField(required=False, min_value=1, max_value=BIGGEST_KEY, help_text="what ticks carry")
    tradingsymbol = TextField(max_length=64, required=False)
    underlying = TextField(max_length=32, required=False, help_text="symbol or alias, e.g. NIFTY")
    kind = ChoiceField(choices=[kind.value for kind in Kind], required=False, help_text="EQ: a stock's share")
    expiry = TextField(max_length=32, required=False, help_text="a date or label (NWeek+0, NMonth+1, …), as of `at`")
    strike = serializers.DecimalField(
        max_digits=12, decimal_places=2, required=False, min_value=Decimal("0.01"), help_text="rupees"
    )
    side = ChoiceField(choices=[side.value for side in Side])


class LegBody(NamedBody, TradeBody):
    """A leg to be opened."""


class StrategyFields(Body):
    """What is said of a strategy."""

    name = TextField(max_length=100)
    description = TextField(max_length=2_000, required=False, allow_blank=True)
    tags = serializers.ListField(child=TextField(max_length=32), required=False, max_length=MOST_TAGS)
    valuation = ChoiceField(
        choices=[item.value for item in Valuation], required=False, help_text="last price, or mid of tight quotes"
    )

    def validate_tags(self, tags: list[str]) -> list[str]:
        """Keep each tag once."""
        return list(dict.fromkeys(tags))


def said_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a body says of a strategy, and what holds where it says nothing."""
    silent: dict[str, Any] = {"name": "", "description": "", "tags": [], "valuation": Valuation.LAST.value}
    return {name: values.get(name, default) for name, default in silent.items()}


class NewStrategy(StrategyFields):
    """A strategy to be made, with its legs."""

    account = WholeField(min_value=1, max_value=BIGGEST_KEY, help_text="the trading account it is on; yours")
    status = ChoiceField(choices=[Strategy.Status.DRAFT, Strategy.Status.ACTIVE], default="draft")
    legs = serializers.ListField(child=LegBody(), required=False, max_length=MOST_LEGS)


class ExitBody(TradeBody):
    """Lots of a leg that were closed."""

    leg = WholeField(min_value=1, max_value=BIGGEST_KEY)


class ChangedStrategy(StrategyFields):
    """What is to be changed of a strategy; what is absent stays."""

    name = TextField(max_length=100, required=False)
    status = ChoiceField(choices=Strategy.Status.values, required=False)
    exits = serializers.ListField(
        child=ExitBody(), required=False, max_length=MOST_LEGS, help_text="with status closed: what closes its legs"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take exits with the status that they are for, and nothing that would be overlooked."""
        if attrs.get("exits") and attrs.get("status") != Strategy.Status.CLOSED:
            raise serializers.ValidationError({"exits": ["only with status closed"]})
        return attrs


def trade_of(values: Mapping[str, Any]) -> Trade:
    """Return the trade of a body."""
    return Trade(lots=values["lots"], price=values.get("price"), at=values.get("at"), average=values["average"])


def named_of(values: Mapping[str, Any]) -> Named:
    """Return the contract that a body names."""
    names = ("token", "tradingsymbol", "underlying", "kind", "expiry", "strike")
    return Named(**{name: values[name] for name in names if name in values})


def leg_of_body(values: Mapping[str, Any]) -> NewLeg:
    """Return the leg of a body."""
    return NewLeg(named=named_of(values), side=Side(values["side"]), trade=trade_of(values))


def closing_of(values: Mapping[str, Any]) -> Closing:
    """Return the closing trade of a body."""
    return Closing(leg_id=values["leg"], trade=trade_of(values))

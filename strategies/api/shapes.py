"""Shapes of answers, for the OpenAPI document; answers themselves are made in rendering.py."""

from rest_framework import serializers

from strategies.domain.legs import Kind, Side
from strategies.domain.m2m import Valuation
from strategies.models import Fill, Strategy
from tradingviz.core.shapes import Shape


def rupees(text: str, *, null: bool = False) -> serializers.CharField:
    """Return the field of an amount or a price, written as a text."""
    return serializers.CharField(help_text=text, allow_null=null)


def instant(text: str, *, null: bool = False) -> serializers.DateTimeField:
    """Return the field of an instant."""
    return serializers.DateTimeField(help_text=text, allow_null=null)


class LegContractShape(Shape):
    """What a leg is in."""

    token = serializers.IntegerField(help_text="what ticks carry")
    tradingsymbol = serializers.CharField()
    underlying = serializers.CharField()
    kind = serializers.ChoiceField(choices=[kind.value for kind in Kind], help_text="EQ: a stock's share")
    expiry = serializers.DateField(allow_null=True)
    strike = rupees("rupees", null=True)


class FillShape(Shape):
    """Lots that were traded."""

    direction = serializers.ChoiceField(choices=Fill.Direction.values)
    lots = serializers.IntegerField()
    price = rupees("rupees a unit, 2 to 4 decimals")
    at = instant("when")


class SettlementShape(Shape):
    """At what an expired contract was settled."""

    price = rupees("rupees a unit: of an option its intrinsic value")
    at = instant("the contract's expiry instant")
    source = serializers.CharField(help_text="official_close, or last_spot while that is not known")  # type: ignore[assignment]  # a field of that name
    close = rupees("of the underlying, by which it was settled", null=True)
    provisional = serializers.BooleanField(help_text="until the official close is known")
    physical_delivery = serializers.BooleanField(help_text="shares change hands")


class FreezeShape(Shape):
    """Why a leg stands still."""

    at = instant("since when")
    reason = serializers.CharField()
    price = rupees("at which it is valued: the last one before", null=True)


class LegShape(Shape):
    """A leg, and all that happened to it."""

    id = serializers.IntegerField()
    instrument = LegContractShape()
    side = serializers.ChoiceField(choices=[side.value for side in Side])
    lot_size = serializers.IntegerField(help_text="units in a lot, as at entry")
    open_lots = serializers.IntegerField(help_text="neither exited nor finally settled")
    units = serializers.IntegerField(help_text="open, negative where sold")
    average_price = rupees("of what is open, rounded to 4 decimals; null where nothing is", null=True)
    realised = rupees("rupees, of what was exited or settled")
    fills = FillShape(many=True)
    settlement = SettlementShape(allow_null=True)
    frozen = FreezeShape(allow_null=True)


class StrategyShape(Shape):
    """A strategy, as a list shows it."""

    id = serializers.IntegerField()
    account = serializers.IntegerField()
    name = serializers.CharField()
    description = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    status = serializers.ChoiceField(choices=Strategy.Status.values)
    valuation = serializers.ChoiceField(choices=[item.value for item in Valuation])
    underlyings = serializers.ListField(child=serializers.CharField(), help_text="of its legs")
    leg_count = serializers.IntegerField()
    open_legs = serializers.IntegerField()
    may_write = serializers.BooleanField(help_text="the account is yours")
    created_at = instant("when it was made")
    updated_at = instant("when anything of its own was changed")
    paused_at = instant("null where it is not paused", null=True)
    closed_at = instant("null where it is not closed", null=True)
    outdated_since = instant("candles from here on are being made anew", null=True)


class StrategyWithLegsShape(StrategyShape):
    """A strategy with its legs."""

    legs = LegShape(many=True)


class LegsShape(Shape):
    """The legs of a strategy, in the order in which they were added."""

    instruments = LegShape(many=True)

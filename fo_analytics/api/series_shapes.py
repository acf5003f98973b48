"""Parameters and answers of questions over time."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from fo_analytics.api.answers import Shape
from fo_analytics.api.time_range import TimeRangeParameters

MIN_STRIKE = Decimal("0.01")


def _times() -> serializers.ListField:
    return serializers.ListField(child=serializers.IntegerField(), help_text="Unix seconds: the open of the bucket")


def _numbers(text: str) -> serializers.ListField:
    return serializers.ListField(child=serializers.FloatField(allow_null=True), help_text=text)


def _units(text: str) -> serializers.ListField:
    return serializers.ListField(child=serializers.IntegerField(allow_null=True), help_text=text)


class CoveredShape(Shape):
    """What an answer over time covers."""

    underlying = serializers.CharField()
    timeframe = serializers.CharField(help_text="1m 5m 15m 30m 1h 1d")
    capped = serializers.BooleanField(help_text="true: the beginning of the range was cut off; `from` says to where")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add `from`, which Python cannot declare, and `to`."""
        start = serializers.IntegerField(help_text="Unix seconds, of the range answered")
        return {**super().get_fields(), "from": start, "to": serializers.IntegerField(help_text="exclusive")}


class StrikeHistoryParameters(TimeRangeParameters):
    """Which contracts."""

    expiry = serializers.CharField(
        max_length=32, default="NWeek+0", help_text="a date, or a label as of the end of the range"
    )
    strike = serializers.DecimalField(max_digits=12, decimal_places=2, min_value=MIN_STRIKE, help_text="rupees")
    option_side = serializers.ChoiceField(choices=("both", "call", "put"), default="both")


class BarsShape(Shape):
    """Bars of one contract as columns of one length; IV and Greeks hold at the bucket's close."""

    time = _times()
    open = _numbers("rupees")
    high = _numbers("rupees")
    low = _numbers("rupees")
    close = _numbers("rupees")
    volume = _units("units traded in the bucket")
    oi = _units("units, the last seen")
    iv = _numbers("fraction a year")
    delta = _numbers("per rupee")
    gamma = _numbers("per rupee squared")
    theta = _numbers("rupees per calendar day")
    vega = _numbers("rupees per volatility point")
    rho = _numbers("rupees per 1 % of rate")
    bid = _numbers("rupees")
    ask = _numbers("rupees")
    flags = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="catch_up: the volume holds that of minutes in which the feed was silent",
    )


class StrikeHistoryShape(CoveredShape):
    """The bars of a strike; a side that is not listed, or not asked for, is absent."""

    expiry = serializers.DateField()
    strike = serializers.FloatField(help_text="rupees")
    call = BarsShape(required=False)
    put = BarsShape(required=False)

"""Parameters and answers of questions over time."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from fo_analytics.api.time_range import NamesField, RollingParameters, TimeRangeParameters
from fo_analytics.domain.indicators import METRICS, Of, indicator_named
from fo_analytics.domain.moneyness import level
from tradingviz.core.bodies import ChoiceField
from tradingviz.core.shapes import Shape

MIN_STRIKE = Decimal("0.01")
MAX_LEVELS = 21


def _times() -> serializers.ListField:
    return serializers.ListField(child=serializers.IntegerField(), help_text="Unix seconds: the open of the bucket")


def _numbers(text: str, *, required: bool = True) -> serializers.ListField:
    return serializers.ListField(child=serializers.FloatField(allow_null=True), help_text=text, required=required)


def _units(text: str, *, required: bool = True) -> serializers.ListField:
    return serializers.ListField(child=serializers.IntegerField(allow_null=True), help_text=text, required=required)


def _words(text: str, *, allow_null: bool = False) -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField(allow_null=True), help_text=text, allow_null=allow_null)


class CoveredShape(Shape):
    """What an answer over time covers."""

    underlying = serializers.CharField()
    timeframe = serializers.CharField(help_text="1m 5m 15m 30m 1h 1d")
    capped = serializers.BooleanField(help_text="true: the beginning of the range was cut off; `from` says to where")

    convention = serializers.CharField(help_text="exact: what stored volatilities and Greeks were computed by")

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
    option_side = ChoiceField(choices=("both", "call", "put"), default="both")


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
    iv_reason = _words("why iv is null")
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


def _metric_named(name: str) -> str:
    found = indicator_named(name)
    if found.of is not Of.CHAIN:
        raise ValueError(f"{name!r} is of single contracts; metrics are {', '.join(METRICS)}")
    return found.name


def _level_named(name: str) -> str:
    level(name)
    return name


class MoneynessSeriesParameters(RollingParameters):
    """Which indicators at which levels."""

    indicator = NamesField(
        named=indicator_named, max_length=8, help_text="names of /fo/indicators, by commas or repeated; at most 8"
    )
    moneyness = NamesField(
        named=_level_named,
        max_length=MAX_LEVELS,
        default=["ATM"],
        help_text="ATM, OTM1, ITM2, …: rungs of the listed ladder, by commas or repeated; default ATM",
    )
    option_side = ChoiceField(choices=("both", "call", "put"), default="both")


class MetricsSeriesParameters(RollingParameters):
    """Which measures."""

    metric = NamesField(
        named=_metric_named,
        max_length=len(METRICS),
        default=list(METRICS),
        help_text=f"{', '.join(METRICS)}; by commas or repeated; default all",
    )


class StraddleSeriesParameters(RollingParameters):
    """Which straddle."""

    strike = serializers.DecimalField(
        max_digits=12,
        decimal_places=2,
        min_value=MIN_STRIKE,
        required=False,
        help_text="rupees; default: what is at the money at each moment",
    )


class StretchShape(Shape):
    """What the expiry asked for means for the buckets that open in [from, to)."""

    expiry = serializers.DateField()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add `from`, which Python cannot declare, and `to`."""
        start = serializers.IntegerField(help_text="Unix seconds")
        return {**super().get_fields(), "from": start, "to": serializers.IntegerField(help_text="exclusive")}


class LevelSeriesShape(Shape):
    """One indicator of one side at one level, as columns of one length."""

    indicator = serializers.CharField()
    side = ChoiceField(choices=("call", "put"))
    moneyness = serializers.CharField()
    time = _times()
    value = _numbers("in the indicator's unit")
    iv_reason = _words("of iv and Greeks: why the contract's own iv is null; null: another indicator", allow_null=True)
    strike = _numbers("rupees: the contract of that bucket")
    oi = _units("of that contract, units")
    volume = _units("of that contract in the bucket, units")
    underlying = _numbers("close of the underlying's own bar, rupees")


class MoneynessSeriesShape(CoveredShape):
    """A series for each indicator, side and level, in the order asked for."""

    expiries = StretchShape(many=True)
    series = LevelSeriesShape(many=True)


class MetricsSeriesShape(CoveredShape):
    """Columns of one length: those asked for, at the end of the newest minute of each bucket."""

    expiries = StretchShape(many=True)
    time = _times()
    metrics = serializers.DictField(
        child=serializers.ListField(child=serializers.FloatField(allow_null=True)), help_text="a column by metric"
    )


class StraddleSeriesShape(CoveredShape):
    """A call and its put together, as columns of one length; those that do not apply are absent."""

    expiries = StretchShape(many=True)
    mode = ChoiceField(choices=("atm", "strike"))
    ohlc = serializers.CharField(
        allow_null=True,
        help_text="minute_marks: open, high and low are those of one mark a minute, what lay between is not seen; "
        "null: there are none, for the strike changes",
    )
    time = _times()
    strike = _numbers("rupees")
    premium = _numbers("mark of the call plus mark of the put at the end of the newest minute, rupees")
    open = _numbers("rupees", required=False)
    high = _numbers("rupees", required=False)
    low = _numbers("rupees", required=False)
    minutes = _units("minutes of the bucket that had both marks", required=False)
    forward = _numbers("rupees", required=False)
    expected_move = _numbers("0.85 · premium, rupees", required=False)
    expected_move_iv = _numbers("forward · ATM volatility · √years, rupees", required=False)

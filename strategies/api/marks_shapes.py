"""Parameters and answers of what a strategy is worth, for the OpenAPI document."""

from typing import Any

from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers

from fo_analytics.api.parameters import TIMEFRAMES, TimeframeField
from fo_analytics.api.time_range import RangeEndField, RangeStartField
from tradingviz.core.shapes import Shape


def _rupees(text: str, **options: Any) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=20, decimal_places=2, allow_null=True, help_text=text, **options)


class NetGreeksShape(Shape):
    """Σ greek × signed open units."""

    delta = serializers.FloatField(help_text="units of the underlying")
    gamma = serializers.FloatField(help_text="delta per rupee")
    theta = serializers.FloatField(help_text="rupees per calendar day")
    vega = serializers.FloatField(help_text="rupees per volatility point")
    rho = serializers.FloatField(help_text="rupees per 1 % of rate")


class LegM2MShape(Shape):
    """A leg's part. Each is rounded by itself."""

    units = serializers.IntegerField(help_text="open, negative where sold")
    price = serializers.DecimalField(max_digits=20, decimal_places=5, allow_null=True, help_text="rupees")
    price_source = serializers.ChoiceField(
        choices=("last", "mid", "frozen", "provisional_settlement", "none"), allow_null=True
    )
    price_ts = serializers.IntegerField(allow_null=True, help_text="ms UTC")
    price_age_ms = serializers.IntegerField(allow_null=True)
    fresh = serializers.BooleanField(allow_null=True, help_text="false: older than a minute, or frozen; null: closed")
    value = _rupees("rupees")
    realised = _rupees("rupees")
    unrealised = _rupees("rupees")


class AlertStateShape(Shape):
    """An alert on the value."""

    condition = serializers.ChoiceField(choices=("at_least", "at_most"))
    threshold = _rupees("rupees")
    fired_ts = serializers.IntegerField(allow_null=True, help_text="ms UTC")
    fired_value = _rupees("rupees")


class M2MShape(Shape):
    """A strategy marked to market, rupees, rounded once, half to even."""

    strategy = serializers.IntegerField()
    status = serializers.ChoiceField(choices=("draft", "active", "paused", "closed"))
    valuation = serializers.ChoiceField(choices=("last", "mid"))
    ts_event = serializers.IntegerField(allow_null=True, help_text="ms UTC: as of when")
    value = _rupees("realised and unrealised; null where an open leg has no price at all")
    realised = _rupees("by exits and settlements")
    unrealised = _rupees("of what is open")
    partial = serializers.BooleanField(help_text="true: a leg's price is old, see `legs`")  # type: ignore[assignment]
    reason = serializers.CharField(allow_null=True, help_text="why there is no value: no_price, impossible_history")
    greeks = NetGreeksShape(allow_null=True, help_text="null where a leg has none: `greeks_missing`")
    greeks_missing = serializers.ListField(child=serializers.IntegerField(), help_text="legs")
    legs = serializers.DictField(child=LegM2MShape(), help_text="by leg")
    alerts = serializers.DictField(child=AlertStateShape(), help_text="by alert")


class CandleParameters(serializers.Serializer[Any]):
    """Which candles."""

    timeframe = TimeframeField(default="1m", help_text=TIMEFRAMES)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add `from`, which Python cannot declare, and `to`."""
        start = RangeStartField(
            required=False, help_text="Unix seconds or ISO-8601 (IST without offset); default the session of `to`"
        )
        end = RangeEndField(required=False, help_text="exclusive, as `from`; default the newest session's end")
        return {**super().get_fields(), "from": start, "to": end}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a range that ends before it begins."""
        if attrs.get("from", 0) >= attrs.get("to", float("inf")):
            raise serializers.ValidationError({"from": ["the range is empty: `from` must be before `to`"]})
        return attrs


def _amounts(text: str) -> serializers.ListField:
    return serializers.ListField(child=_rupees("rupees"), help_text=text)


class CandlesShape(Shape):
    """Candles of a strategy's own value, as columns of one length. A bucket in which nothing was priced has none."""

    strategy = serializers.IntegerField()
    timeframe = serializers.CharField()
    capped = serializers.BooleanField(help_text="true: the beginning of the range was cut off; `from` says to where")
    time = serializers.ListField(child=serializers.IntegerField(), help_text="Unix seconds: the open of the bucket")
    open = _amounts("rupees; null where only bars were kept")
    high = _amounts("rupees; null where only bars were kept")
    low = _amounts("rupees; null where only bars were kept")
    close = _amounts("rupees")
    seconds = serializers.ListField(child=serializers.IntegerField(), help_text="values that went in")
    partial = serializers.ListField(  # type: ignore[assignment]  # the base has a property
        child=serializers.BooleanField(), help_text="an old price went in"
    )
    from_bars = serializers.ListField(child=serializers.BooleanField(), help_text="second marks were not kept any more")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add `from`, which Python cannot declare, and `to`."""
        start = serializers.IntegerField(help_text="Unix seconds, of the range answered")
        return {**super().get_fields(), "from": start, "to": serializers.IntegerField(help_text="exclusive")}


_LEG = {
    "units": -65, "price": "183.45", "price_source": "last", "price_ts": 1770091199000, "price_age_ms": 0,
    "fresh": True, "value": "-1657.50", "realised": "0.00", "unrealised": "-1657.50",
}  # fmt: skip
M2M_EXAMPLE = OpenApiExample(
    "A sold call",
    value={
        "strategy": 7,
        "status": "active",
        "valuation": "last",
        "ts_event": 1770091199000,
        "value": "-1657.50",
        "realised": "0.00",
        "unrealised": "-1657.50",
        "partial": False,
        "reason": None,
        "greeks": {"delta": -33.9, "gamma": -0.06, "theta": 812.4, "vega": -455.1, "rho": -12.3},
        "greeks_missing": [],
        "legs": {"31": _LEG},
        "alerts": {},
    },
    response_only=True,
    status_codes=["200"],
)

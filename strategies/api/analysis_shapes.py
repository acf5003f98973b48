"""Shapes of answers about strategies, for the OpenAPI document."""

from rest_framework import serializers

from fo_analytics.api.answers import number, whole, word
from fo_analytics.domain.chain_view import GREEKS
from tradingviz.core.shapes import Shape


def money(text: str) -> serializers.DecimalField:
    """Return the field of an amount in rupees, text with 2 decimals, that may be null."""
    return serializers.DecimalField(max_digits=None, decimal_places=2, allow_null=True, help_text=text)


def _moneys(text: str) -> serializers.ListField:
    return serializers.ListField(child=money(text), help_text=text)


def _reasons() -> serializers.DictField:
    return serializers.DictField(child=serializers.CharField(), help_text="of each null value: why")


def _keys(text: str) -> serializers.ListField:
    return serializers.ListField(child=serializers.IntegerField(), help_text=text)


def _greeks() -> serializers.DictField:
    return serializers.DictField(
        child=serializers.FloatField(),
        allow_null=True,
        help_text=f"{' '.join(GREEKS)}: theta rupees a calendar day, vega a volatility point, rho 1 % of rate",
    )


class TermsShape(Shape):
    """What is open of a leg."""

    leg = whole("its id; null: stored nowhere")
    underlying = serializers.CharField()
    kind = serializers.CharField(help_text="CE, PE, FUT or EQ")
    expiry = serializers.DateField(allow_null=True)
    strike = money("rupees")
    side = serializers.CharField(help_text="BUY or SELL")
    lots = serializers.IntegerField(help_text="open ones")
    lot_size = serializers.IntegerField(help_text="units")
    units = serializers.IntegerField(help_text="open ones, negative where sold")
    average_price = serializers.DecimalField(
        max_digits=None, decimal_places=4, allow_null=True, help_text="rupees a unit, 2 decimals, 4 where needed"
    )


class ValuedLegShape(TermsShape):
    """An open leg, and what is known of its contract."""

    iv = number("the volatility it is valued by, its strike's out-of-the-money side's; fraction a year")
    age_ms = whole("of the price that volatility is from, at the market's ts_event")
    fresh = serializers.BooleanField(help_text="no older than 60 s, and known")
    reason = word("why it cannot be valued")


class MarketExpiryShape(Shape):
    """One expiry."""

    expiry = serializers.DateField()
    ts_expiry = serializers.IntegerField(help_text="ms UTC")
    forward = money("rupees")
    forward_source = word("parity, future, spot or none")
    atm_iv = number("fraction a year")
    source = word("live or bars; null: no chain, futures alone")  # type: ignore[assignment]  # a field of that name
    ts_event = whole("ms UTC")
    stale = serializers.BooleanField(help_text="more than 60 s behind the market")


class MarketShape(Shape):
    """What legs were valued under."""

    ts_event = serializers.IntegerField(help_text="ms UTC")
    spot = money("rupees")
    spot_source = serializers.CharField(help_text="spot; forward: the discounted one stands in for it; none")
    rate = serializers.FloatField(help_text="continuous, a year")
    expiries = MarketExpiryShape(many=True)


class CaseShape(Shape):
    """What every answer of the model begins with."""

    strategy = whole("its id; null: stored nowhere")
    underlying = word("null where nothing is open")
    convention = serializers.CharField()
    market = MarketShape(allow_null=True, help_text="null where nothing is known of it, or nothing is open")
    legs = ValuedLegShape(many=True)


class LimitShape(Shape):
    """A largest profit or loss."""

    amount = money("rupees, a loss negative; null: unlimited, or not known")
    unlimited = serializers.BooleanField()


class KnotShape(Shape):
    """A corner of a payoff."""

    price = money("of the underlying, rupees")
    value = money("rupees")


class PriceSpanShape(Shape):
    """Prices between two bounds."""

    low = money("rupees")
    high = money("rupees")


class CurveShape(Shape):
    """A payoff over prices of the underlying; lists go together."""

    price = _moneys("of the underlying, rupees")
    at_expiry = _moneys("gain at the expiry, rupees, realised included")
    today = _moneys("gain at the market's ts_event by the model, rupees, realised included")


class PayoffShape(CaseShape):
    """What legs pay, and are worth."""

    expiry = serializers.DateField(allow_null=True, help_text="the first of the open legs")
    exact = serializers.BooleanField(help_text="false: legs that expire later are priced by the model")
    knots = KnotShape(many=True, allow_null=True, help_text="straight lines run between them; null where not exact")
    slope = serializers.IntegerField(help_text="beyond the last strike, rupees a rupee of the underlying")
    break_evens = _moneys("prices at which nothing is gained, ascending")
    max_profit = LimitShape()
    max_loss = LimitShape()
    looked_at = PriceSpanShape(allow_null=True, help_text="where not exact: the prices the above are of")
    probability_of_profit = number("0 to 1, the price at expiry log-normal by forward and volatility at the money")
    range = serializers.FloatField(help_text="of the curve, per cent each side")
    curve = CurveShape()
    capped = serializers.ListField(child=serializers.CharField(), help_text="parameters that were cut")
    reasons = _reasons()


class ScenarioShape(CaseShape):
    """A grid of gains."""

    spot_range = serializers.FloatField(help_text="per cent each side")
    shift_range = serializers.FloatField(help_text="volatility points each side")
    spot = _moneys("rupees, ascending")
    shift = serializers.ListField(child=serializers.FloatField(), help_text="volatility points, ascending")
    time = serializers.ListField(child=serializers.IntegerField(), help_text="Unix seconds, ascending")
    value = serializers.ListField(
        child=serializers.ListField(child=_moneys("rupees")),
        help_text="gain, realised included: by spot, by shift, by time; null where a volatility is not known or not "
        "above 0",
    )
    capped = serializers.ListField(child=serializers.CharField(), help_text="parameters that were cut")


class NetShape(Shape):
    """Greeks of several legs together."""

    net = _greeks()
    missing = _keys("legs without Greeks: net is null then")


class UnderlyingGreeksShape(NetShape):
    """Greeks of the legs on one underlying."""

    underlying = serializers.CharField()
    ts_event = whole("ms UTC; null: no option is open, or nothing is known")
    reason = word("why nothing is known")


class LegGreeksShape(TermsShape):
    """Greeks of one leg."""

    per_unit = _greeks()
    position = _greeks()
    iv = number("the volatility they are from, fraction a year")
    age_ms = whole("of the price that is from, at ts_event")
    fresh = serializers.BooleanField(help_text="no older than 60 s, and known")
    reason = word("why there are none")


class GreeksShape(NetShape):
    """Greeks of a strategy."""

    strategy = serializers.IntegerField()
    convention = serializers.CharField()
    stale = _keys("legs whose Greeks are from a price older than 60 s")
    underlyings = UnderlyingGreeksShape(many=True)
    legs = LegGreeksShape(many=True)


class PointShape(Shape):
    """A value of the series."""

    time = serializers.IntegerField(help_text="Unix seconds, the candle's open")
    value = money("rupees, at the candle's end")


class DrawdownShape(Shape):
    """The deepest fall from a high before it, over the candles' closes."""

    depth = money("rupees, at least 0")
    peak = PointShape()
    trough = PointShape()
    recovered = PointShape(allow_null=True, help_text="the first as high again; null: not yet")


class DayChangeShape(Shape):
    """A day's change."""

    date = serializers.DateField()
    change = money("rupees")


class DayShape(DayChangeShape):
    """A day."""

    close = money("the last value, rupees")


class DailyShape(Shape):
    """Days summed up."""

    days = serializers.IntegerField()
    total = money("rupees")
    mean = money("rupees a day")
    deviation = money("of a sample, rupees")
    deviation_reason = word("fewer_than_2_days")
    best = DayChangeShape()
    worst = DayChangeShape()
    gains = serializers.IntegerField(help_text="days")
    losses = serializers.IntegerField(help_text="days")
    winning = serializers.FloatField(help_text="share of days with a gain, 0 to 1")


class StatisticsShape(Shape):
    """What the candles of a strategy are summed up by."""

    def get_fields(self) -> dict[str, serializers.Field[object, object, object, object]]:
        """Add `from`, which Python cannot declare."""
        begin = serializers.DateTimeField(allow_null=True, help_text="as asked, or 366 days before `to`")
        return {**super().get_fields(), "from": begin}

    strategy = serializers.IntegerField()
    to = serializers.DateTimeField(allow_null=True, help_text="exclusive")
    capped = serializers.ListField(child=serializers.CharField(), help_text="parameters that were cut")
    candles = serializers.IntegerField(help_text="of one minute")
    partial_candles = serializers.IntegerField(help_text="of them, with an old price in it")
    candles_from_bars = serializers.IntegerField(help_text="of them, whose close alone is known")
    outdated_since = serializers.DateTimeField(allow_null=True, help_text="candles from there on are being made again")
    drawdown = DrawdownShape(allow_null=True)
    daily = DailyShape(allow_null=True)
    days = DayShape(many=True)
    reason = word("no_candles")

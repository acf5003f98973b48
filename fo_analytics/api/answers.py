"""Shapes of answers, for the OpenAPI document; answers themselves are rendered from documents."""

from rest_framework import serializers

from tradingviz.core.shapes import Shape


def number(text: str) -> serializers.FloatField:
    """Return the field of a number that may be null."""
    return serializers.FloatField(allow_null=True, help_text=text)


def whole(text: str) -> serializers.IntegerField:
    """Return the field of a whole number that may be null."""
    return serializers.IntegerField(allow_null=True, help_text=text)


def word(text: str) -> serializers.CharField:
    """Return the field of a word that may be null."""
    return serializers.CharField(allow_null=True, help_text=text)


class ContractDepthShape(Shape):
    """A contract's depth in short; levels, impact cost and liquidity: `/fo/depth`."""

    source = serializers.CharField(  # type: ignore[assignment]  # a field of that name
        help_text="depth: up to five levels a side; quote: the best bid and ask"
    )
    ts = serializers.IntegerField(help_text="stamp of the levels, ms UTC")
    age_ms = serializers.IntegerField(help_text="age of the levels at ts_event")
    state = serializers.CharField(help_text="which sides are quoted: empty, bid_only, ask_only, crossed, two_sided")
    spread = number("rupees; null, as spread_percent and microprice, unless two_sided")
    spread_percent = number("of the mid")
    microprice = number("rupees; null too where a quantity was not said")
    imbalance = number("(bid - ask quantity) / both, all levels, -1 to 1; null: empty, or source is quote")
    bid_quantity = whole("units, all levels; null: source is quote")
    ask_quantity = whole("units, all levels; null: source is quote")


class ContractShape(Shape):
    """One contract of a chain."""

    mark = number("rupees: mid, or last clamped into the quotes")
    mark_source = word("mid or last")
    last = number("rupees")
    bid = number("rupees")
    ask = number("rupees")
    tick_size = number("rupees")
    volume = whole("units, cumulative of the day; with a timeframe those of the bucket")
    oi = whole("open interest, units")
    oi_change = whole("units, since oi_reference_ts; null without a reference")
    oi_change_percent = number("per cent of the reference's open interest")
    build_up = word("long_build_up, short_build_up, short_covering, long_unwinding or none; null: not known")
    bid_qty = whole("units")
    ask_qty = whole("units")
    iv = number("implied volatility of this contract, fraction a year")
    iv_reason = word("why iv is null")
    greeks_iv_source = word("own or other_side: whose iv the Greeks use")
    delta = number("per rupee of the forward's present value")
    gamma = number("per rupee squared")
    theta = number("rupees per calendar day")
    vega = number("rupees per volatility point")
    rho = number("rupees per 1 % of rate")
    moneyness = word("ATM, OTMn or ITMn, in steps on the listed ladder")
    last_ts = whole("stamp of last, ms UTC")
    quote_ts = whole("stamp of bid and ask, ms UTC")
    oi_ts = whole("stamp of oi, ms UTC")
    age_ms = whole("age of last at ts_event")
    quote_age_ms = whole("age of bid and ask at ts_event")
    oi_age_ms = whole("age of oi at ts_event")
    depth = ContractDepthShape(allow_null=True, help_text="null: never quoted")


class StrikeShape(Shape):
    """One strike; a side that is not listed, or not asked for, is absent."""

    strike = serializers.FloatField(help_text="rupees")
    call = ContractShape(required=False)
    put = ContractShape(required=False)


class ChainShape(Shape):
    """One expiry."""

    expiry = serializers.DateField()
    labels = serializers.ListField(child=serializers.CharField())
    ts_event = serializers.IntegerField(help_text="the instant all numbers hold at, ms UTC")
    ts_expiry = serializers.IntegerField(help_text="ms UTC")
    expired = serializers.BooleanField()
    convention = serializers.CharField()
    rate = serializers.FloatField(help_text="continuous, a year")
    forward = number("rupees")
    forward_source = serializers.CharField(help_text="parity, future, spot or none")
    forward_pairs = serializers.IntegerField(help_text="strikes the parity forward rests on")
    spot = number("rupees, the last known")
    spot_ts = whole("ms UTC")
    spot_age_ms = whole("age of spot at ts_event")
    spot_used = serializers.BooleanField(help_text="false where it is too old, absent or contradicted")
    spot_contradicts_parity = serializers.BooleanField()
    future = number("rupees")
    atm_strike = number("rupees")
    atm_iv = number("fraction a year")
    straddle = number("rupees")
    call_oi = whole("units, all strikes")
    put_oi = whole("units, all strikes")
    call_volume = whole("units, all strikes")
    put_volume = whole("units, all strikes")
    pcr_oi = number("put over call open interest, all strikes")
    pcr_volume = number("put over call volume, all strikes")
    max_pain = number("rupees")
    oi_reference_ts = whole("close of the previous session's last stored minute, ms UTC; null: none is stored")
    price_threshold = serializers.FloatField(help_text="per cent beyond which a price changed, for build_up")
    oi_threshold = serializers.FloatField(help_text="per cent beyond which open interest changed, for build_up")
    source = serializers.ChoiceField(choices=("live", "bars"))  # type: ignore[assignment]  # a field of that name
    epoch = whole("of the live topic; null from bars")
    seq = whole("of the live topic; null from bars")
    strikes = StrikeShape(many=True)


class StrikeDistributionShape(Shape):
    """Chains of one underlying, all of one instant."""

    underlying = serializers.CharField()
    ts_event = serializers.IntegerField(help_text="ms UTC")
    convention = serializers.CharField()
    timeframe = word("whose bucket's close this is of; null: of the instant itself")
    time = whole("open of that bucket, Unix seconds; null without a timeframe")
    levels = serializers.IntegerField()
    chains = ChainShape(many=True)


class ExpiryShape(Shape):
    """A listed expiry."""

    expiry = serializers.DateField()
    labels = serializers.ListField(child=serializers.CharField(), help_text="NWeek+n, NMonth+n, NQuarter+n")
    kinds = serializers.ListField(child=serializers.CharField(), help_text="weekly, monthly, quarterly")
    days = serializers.IntegerField(help_text="whole calendar days (IST), 0 on the day")
    ts_expiry = serializers.IntegerField(help_text="ms UTC")


class ExpiriesShape(Shape):
    """The expiries of one underlying as of an instant."""

    underlying = serializers.CharField()
    ts_event = serializers.IntegerField(help_text="ms UTC")
    expiries = ExpiryShape(many=True)

"""Shapes of answers, for the OpenAPI document; answers themselves are rendered from documents."""

from typing import Any

from rest_framework import serializers

Shape = serializers.Serializer[Any]


def _number(text: str) -> serializers.FloatField:
    return serializers.FloatField(allow_null=True, help_text=text)


def _whole(text: str) -> serializers.IntegerField:
    return serializers.IntegerField(allow_null=True, help_text=text)


def _word(text: str) -> serializers.CharField:
    return serializers.CharField(allow_null=True, help_text=text)


class ContractShape(Shape):
    """One contract of a chain."""

    mark = _number("rupees: mid, or last clamped into the quotes")
    mark_source = _word("mid or last")
    last = _number("rupees")
    bid = _number("rupees")
    ask = _number("rupees")
    tick_size = _number("rupees")
    volume = _whole("units, cumulative of the day")
    oi = _whole("open interest, units")
    oi_change = _whole("units, since oi_reference_ts; null without a reference")
    oi_change_percent = _number("per cent of the reference's open interest")
    build_up = _word("long_build_up, short_build_up, short_covering, long_unwinding or none; null: not known")
    bid_qty = _whole("units")
    ask_qty = _whole("units")
    iv = _number("implied volatility of this contract, fraction a year")
    iv_reason = _word("why iv is null")
    greeks_iv_source = _word("own or other_side: whose iv the Greeks use")
    delta = _number("per rupee of the forward's present value")
    gamma = _number("per rupee squared")
    theta = _number("rupees per calendar day")
    vega = _number("rupees per volatility point")
    rho = _number("rupees per 1 % of rate")
    moneyness = _word("ATM, OTMn or ITMn, in steps on the listed ladder")
    last_ts = _whole("stamp of last, ms UTC")
    quote_ts = _whole("stamp of bid and ask, ms UTC")
    oi_ts = _whole("stamp of oi, ms UTC")
    age_ms = _whole("age of last at ts_event")
    quote_age_ms = _whole("age of bid and ask at ts_event")
    oi_age_ms = _whole("age of oi at ts_event")


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
    forward = _number("rupees")
    forward_source = serializers.CharField(help_text="parity, future, spot or none")
    forward_pairs = serializers.IntegerField(help_text="strikes the parity forward rests on")
    spot = _number("rupees, the last known")
    spot_ts = _whole("ms UTC")
    spot_age_ms = _whole("age of spot at ts_event")
    spot_used = serializers.BooleanField(help_text="false where it is too old, absent or contradicted")
    spot_contradicts_parity = serializers.BooleanField()
    future = _number("rupees")
    atm_strike = _number("rupees")
    atm_iv = _number("fraction a year")
    straddle = _number("rupees")
    call_oi = _whole("units, all strikes")
    put_oi = _whole("units, all strikes")
    call_volume = _whole("units, all strikes")
    put_volume = _whole("units, all strikes")
    pcr_oi = _number("put over call open interest, all strikes")
    pcr_volume = _number("put over call volume, all strikes")
    max_pain = _number("rupees")
    oi_reference_ts = _whole("close of the previous session's last stored minute, ms UTC; null: none is stored")
    source = serializers.ChoiceField(choices=("live", "bars"))  # type: ignore[assignment]  # a field of that name
    epoch = _whole("of the live topic; null from bars")
    seq = _whole("of the live topic; null from bars")
    strikes = StrikeShape(many=True)


class StrikeDistributionShape(Shape):
    """Chains of one underlying, all of one instant."""

    underlying = serializers.CharField()
    ts_event = serializers.IntegerField(help_text="ms UTC")
    convention = serializers.CharField()
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


class ProblemShape(Shape):
    """An error (problem+json)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = serializers.ListField(child=serializers.DictField())  # type: ignore[assignment]  # as above

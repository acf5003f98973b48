"""Shapes of answers about what chains mean, for the OpenAPI document."""

from rest_framework import serializers

from fo_analytics.api.answers import ChainShape, ExpiryShape, number, whole, word
from tradingviz.core.shapes import Shape


def _numbers(text: str) -> serializers.ListField:
    return serializers.ListField(child=serializers.FloatField(allow_null=True), help_text=text)


def _reasons() -> serializers.DictField:
    return serializers.DictField(child=serializers.CharField(), help_text="of each null value beside it: why")


class InsightShape(Shape):
    """What an answer says first of a chain."""

    expiry = serializers.DateField()
    labels = serializers.ListField(child=serializers.CharField())
    ts_event = serializers.IntegerField(help_text="the instant all numbers hold at, ms UTC")
    ts_expiry = serializers.IntegerField(help_text="ms UTC")
    expired = serializers.BooleanField()
    days = serializers.IntegerField(help_text="whole calendar days (IST), 0 on the day")
    years = number("to expiry, as the convention counts them; null once expired")
    forward = number("rupees")
    forward_source = serializers.CharField(help_text="parity, future, spot or none")
    atm_strike = number("rupees")
    reason = word("why nothing can be said of its volatility: expired, no_forward, no_spot; null: something can")
    source = serializers.ChoiceField(choices=("live", "bars"))  # type: ignore[assignment]  # a field of that name
    epoch = whole("of the live topic; null from bars")
    seq = whole("of the live topic; null from bars")


class RankShape(Shape):
    """Where the ATM volatility stands among its daily values."""

    label = word(  # type: ignore[assignment]  # a field of that name
        "whose volatility is followed: of the expiry that bore it at each session's close"
    )
    days = serializers.IntegerField(help_text="sessions in the window")
    known_days = serializers.IntegerField(help_text="sessions of the window with a value")
    first = serializers.DateField(allow_null=True, help_text="the window's first session")
    last = serializers.DateField(allow_null=True, help_text="the window's last session")
    iv_rank = number("0 to 100, between the lowest and the highest")
    iv_percentile = number("per cent of the days that were below")
    reason = word("why iv_rank is null: expired, exact_only, no_volatility, fewer_than_20_days, no_range, …")


class SmileSummaryShape(Shape):
    """What a smile is summed up by."""

    atm_iv = number("fraction a year")
    call_strike = number("rupees, where a call's delta is 0.25")
    call_iv = number("fraction a year, there")
    put_strike = number("rupees, where a put's delta is -0.25")
    put_iv = number("fraction a year, there")
    risk_reversal = number("call_iv - put_iv")
    butterfly = number("mean of call_iv and put_iv, less atm_iv")
    skew_slope = number("risk_reversal per unit of ln K")
    straddle = number("rupees")
    expected_move = number("0.85 * straddle, rupees")
    expected_move_by_volatility = number("F * atm_iv * sqrt(T), rupees")
    reasons = _reasons()
    rank = RankShape()


class SmilePointShape(Shape):
    """The out-of-the-money contract of one strike."""

    strike = serializers.FloatField(help_text="rupees")
    log_moneyness = number("ln(K/F)")
    side = word("call or put; null without a forward")
    iv = number("its own, fraction a year")
    iv_reason = word("why iv is null")
    delta = number("of that contract")


class SmileShape(SmileSummaryShape, InsightShape):
    """The smile of one expiry."""

    points = SmilePointShape(many=True)


class AnswerShape(Shape):
    """What every answer begins with."""

    underlying = serializers.CharField()
    ts_event = serializers.IntegerField(help_text="ms UTC")
    convention = serializers.CharField()


class SmilesShape(AnswerShape):
    """Smiles of one underlying."""

    rank_days = serializers.IntegerField()
    smiles = SmileShape(many=True)


class TermShape(InsightShape):
    """One expiry of the term structure."""

    atm_iv = number("fraction a year")
    total_variance = number("atm_iv² * T")
    forward_variance = number("a year, between the known expiry before (or today) and this one")
    forward_iv = number("its root; null where it is negative")
    calendar_arbitrage = serializers.BooleanField(allow_null=True, help_text="forward_variance is negative")
    straddle = number("rupees")
    expected_move = number("rupees")
    expected_move_by_volatility = number("rupees")


class TermStructureShape(AnswerShape):
    """The term structure, in order of time."""

    expiries = TermShape(many=True)


class SurfaceRowShape(Shape):
    """The surface at one maturity; lists go with the grid, null outside what is listed."""

    log_moneyness = _numbers("ln(K/F)")
    iv = _numbers("fraction a year")
    total_variance = _numbers("iv² * T")


class SurfaceExpiryShape(SurfaceRowShape, InsightShape):
    """The surface at a listed expiry."""

    atm_iv = number("fraction a year")
    calendar_arbitrage = serializers.ListField(
        child=serializers.BooleanField(allow_null=True),
        help_text="total variance is below that of some earlier expiry; null where it is not known",
    )
    butterfly_arbitrage = serializers.ListField(
        child=serializers.FloatField(), help_text="listed strikes whose option costs more than its neighbours' line"
    )


class MaturityShape(SurfaceRowShape):
    """The surface between listed expiries."""

    days = serializers.FloatField()
    years = serializers.FloatField()


class SurfaceShape(AnswerShape):
    """The surface, and where it offers an arbitrage."""

    axis = serializers.CharField()
    width = serializers.FloatField()
    points = serializers.IntegerField()
    calendar_tolerance = serializers.FloatField(help_text="of total variance")
    butterfly_tolerance = serializers.FloatField(help_text="rupees, of undiscounted calls")
    grid = serializers.ListField(child=serializers.FloatField(), help_text="coordinates on the axis, ascending")
    expiries = SurfaceExpiryShape(many=True)
    maturities = MaturityShape(many=True)


class SidesShape(Shape):
    """Calls, puts, and their sum with the assumed signs; null where nothing is known."""

    call = number("calls")
    put = number("puts")
    net = number("both")


class TotalShape(SidesShape):
    """Sums over all strikes."""

    left_out = serializers.IntegerField(help_text="contracts with open interest and no Greek")


class TotalsShape(Shape):
    """Sums over all strikes, by Greek."""

    gex = TotalShape(help_text="rupees of delta per 1 % move")
    vanna = TotalShape(help_text="rupees of delta per volatility point")
    charm = TotalShape(help_text="rupees of delta per calendar day")


class ExposureRowShape(Shape):
    """One strike."""

    strike = serializers.FloatField(help_text="rupees")
    gex = SidesShape()
    vanna = SidesShape()
    charm = SidesShape()


class ExposureSummaryShape(Shape):
    """Exposure over all strikes of an expiry."""

    assumption = serializers.CharField(help_text="about the dealers: the signs rest on it")
    spot = number("the S of the Greeks, rupees")
    totals = TotalsShape()
    oi_unknown = serializers.IntegerField(help_text="listed contracts whose open interest is not known")
    flip = number("rupees: the forward nearest the present one at which total gex changes sign")
    call_wall = number("rupees")
    put_wall = number("rupees")
    reasons = _reasons()


class ExposureShape(ExposureSummaryShape, InsightShape):
    """Exposure of one expiry."""

    strikes = ExposureRowShape(many=True)


class ExposuresShape(AnswerShape):
    """Exposure of chains of one underlying."""

    levels = serializers.IntegerField()
    exposures = ExposureShape(many=True)


class ChangeShape(Shape):
    """One contract and what changed."""

    expiry = serializers.DateField()
    strike = serializers.FloatField(help_text="rupees")
    side = serializers.CharField(help_text="call or put")
    oi = serializers.IntegerField(help_text="units")
    oi_reference = serializers.IntegerField(help_text="units")
    oi_change = serializers.IntegerField(help_text="units")
    oi_change_percent = number("of the reference; null where that is 0")
    last = number("rupees")
    price_reference = number("rupees")
    price_change = number("rupees")
    price_change_percent = number("of the reference")
    build_up = word("long_build_up, short_build_up, short_covering, long_unwinding or none; null: not known")


class TopsShape(Shape):
    """Gainers, the largest first, and losers, the most negative first."""

    gainers = ChangeShape(many=True)
    losers = ChangeShape(many=True)


class ComparedShape(Shape):
    """What a chain was compared with."""

    expiry = serializers.DateField()
    labels = serializers.ListField(child=serializers.CharField())
    ts_event = serializers.IntegerField(help_text="ms UTC")
    reference_ts = whole("close of the newest minute compared with, ms UTC; null: none is stored")
    contracts = serializers.IntegerField(help_text="listed")
    compared = serializers.IntegerField(help_text="of them, known now and then")
    call_oi_change = whole("units, of the calls compared")
    put_oi_change = whole("units, of the puts compared")
    reason = word("why nothing was compared: no_reference or no_open_interest")
    source = serializers.ChoiceField(choices=("live", "bars"))  # type: ignore[assignment]  # a field of that name
    epoch = whole("of the live topic; null from bars")
    seq = whole("of the live topic; null from bars")


class OiChangesShape(TopsShape):
    """Changes of open interest over all chains asked for."""

    underlying = serializers.CharField()
    ts_event = serializers.IntegerField(help_text="ms UTC")
    convention = serializers.CharField(help_text="exact: what the chains compared were valued by")
    window = serializers.CharField()
    by = serializers.CharField()
    limit = serializers.IntegerField()
    price_threshold = serializers.FloatField(help_text="per cent")
    oi_threshold = serializers.FloatField(help_text="per cent")
    expiries = ComparedShape(many=True)


class SnapshotChangesShape(TopsShape):
    """Changes of open interest since the previous session."""

    price_threshold = serializers.FloatField(help_text="per cent")
    oi_threshold = serializers.FloatField(help_text="per cent")
    reference_ts = whole("close of the newest minute compared with, ms UTC; null: none is stored")


class SnapshotShape(AnswerShape):
    """Everything about one chain, of one instant."""

    expiry = serializers.DateField()
    source = serializers.ChoiceField(choices=("live", "bars"))  # type: ignore[assignment]  # a field of that name
    epoch = whole("of the live topic; null from bars")
    seq = whole("of the live topic; null from bars")
    levels = serializers.IntegerField()
    limit = serializers.IntegerField()
    rank_days = serializers.IntegerField()
    chain = ChainShape()
    smile = SmileSummaryShape()
    exposure = ExposureSummaryShape()
    oi_change = SnapshotChangesShape()
    expiries = ExpiryShape(many=True)

"""`/fo/depth`: its parameters, and the shape of its answer."""

from rest_framework import serializers

from fo_analytics.api.parameters import MAX_LEVELS, UnderlyingParameters
from tradingviz.core.bodies import ChoiceField
from tradingviz.core.shapes import Shape

MAX_LOTS = 10_000
SORTS = (
    "strike", "spread", "spread_percent", "imbalance", "liquidity_score", "buy_cost_percent", "sell_cost_percent",
)  # fmt: skip


class DepthParameters(UnderlyingParameters):
    """Which part of a chain's order books, and for how many lots."""

    expiry = serializers.CharField(
        max_length=32, required=False, help_text="a date or label (NWeek+0, NMonth+1, …); default the nearest"
    )
    levels = serializers.IntegerField(
        min_value=0, max_value=MAX_LEVELS, default=10, help_text="strikes each side of the money"
    )
    option_side = ChoiceField(choices=("both", "call", "put"), default="both")
    lots = serializers.IntegerField(
        min_value=1, max_value=MAX_LOTS, default=1, help_text="what the impact cost is the cost of"
    )
    sort = ChoiceField(
        choices=[f"{sign}{name}" for name in SORTS for sign in ("", "-")],
        default="strike",
        help_text="a minus sorts downwards; unknown values come last",
    )


def _number(text: str) -> serializers.FloatField:
    return serializers.FloatField(allow_null=True, help_text=text)


def _whole(text: str) -> serializers.IntegerField:
    return serializers.IntegerField(allow_null=True, help_text=text)


def _word(text: str) -> serializers.CharField:
    return serializers.CharField(allow_null=True, help_text=text)


class LevelShape(Shape):
    """One level of a side of a book."""

    price = serializers.FloatField(help_text="rupees")
    quantity = _whole("units; null where it was not said")
    orders = _whole("null where they were not said")


class ImpactShape(Shape):
    """What taking `lots` at once costs against the mid."""

    quantity = serializers.IntegerField(help_text="units asked for: lots × lot_size")
    filled = _whole("units of these that the levels hold; null where that is not known")
    average_price = _number("rupees; null unless all are filled")
    cost_per_unit = _number("rupees against the mid")
    cost = _number("rupees for all units")
    cost_percent = _number("of the mid")
    reason = _word("why something is null: no_quote not_quoted too_thin best_only no_mid crossed")


class DepthContractShape(Shape):
    """One contract. The spread, the mid and the microprice are null unless it is two_sided."""

    strike = serializers.FloatField(help_text="rupees")
    side = serializers.CharField(help_text="call or put")
    lot_size = serializers.IntegerField(help_text="units, as of the day")
    state = ChoiceField(
        choices=("unknown", "empty", "bid_only", "ask_only", "crossed", "two_sided"), help_text="which sides are quoted"
    )
    source = _word("depth: up to five levels; quote: the best bid and ask; null: neither")  # type: ignore[assignment]
    source_reason = _word(
        "why it is not depth: no_depth (ingest has seen none since depth_since), outdated (a newer best quote has "
        "other prices, or is more than a minute newer) or stored"
    )
    ts = _whole("stamp of the levels, ms UTC")
    age_ms = _whole("age of the levels at ts_event")
    quote_ts = _whole(
        "stamp of the newest best bid and ask, ms UTC; later than ts where it was said again without depth"
    )
    quote_age_ms = _whole("age of these at ts_event")
    bids = LevelShape(many=True, help_text="best first")
    asks = LevelShape(many=True, help_text="best first")
    bid = _number("rupees, the best")
    ask = _number("rupees, the best")
    spread = _number("rupees")
    spread_percent = _number("of the mid")
    mid = _number("rupees")
    microprice = _number("rupees, (bid × ask quantity + ask × bid quantity) / both, of the best level")
    bid_quantity = _whole("units, all levels")
    ask_quantity = _whole("units, all levels")
    bid_orders = _whole("all levels")
    ask_orders = _whole("all levels")
    imbalance = _number("(bid − ask quantity) / both, all levels, −1 to 1")
    imbalance_reason = _word("why it is null: no_quote empty best_only")
    buy = ImpactShape(help_text="taking asks")
    sell = ImpactShape(help_text="taking bids")
    liquidity_score = _number("0 to 100: 40 % spread, 30 % depth, 20 % orders, 10 % balance")
    liquidity_tier = ChoiceField(choices=("unknown", "illiquid", "low", "medium", "high"))
    liquidity_reason = _word("why the score is null: no_quote crossed best_only no_orders")


class DepthShape(Shape):
    """The order books of an expiry's contracts, all as of one instant."""

    underlying = serializers.CharField()
    expiry = serializers.DateField()
    labels = serializers.ListField(child=serializers.CharField())
    ts_event = serializers.IntegerField(help_text="the instant ages are counted to, ms UTC")
    ts_expiry = serializers.IntegerField(help_text="ms UTC")
    convention = serializers.CharField(help_text="exact: what the forward was computed by")
    source = ChoiceField(choices=("live", "bars"))  # type: ignore[assignment]  # a field of that name
    epoch = _whole("of the live chain; null from bars")
    seq = _whole("of the live chain; null from bars")
    depth_epoch = _whole("of the live books; null where none were published")
    depth_seq = _whole("of the live books; null where none were published")
    depth_since = _whole("since when ingest collects books, ms UTC; null where none were published")
    forward = _number("rupees")
    atm_strike = _number("rupees")
    levels = serializers.IntegerField()
    lots = serializers.IntegerField()
    contracts = DepthContractShape(many=True)

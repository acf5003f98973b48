"""What questions about a strategy take: parameters of a query, bodies of what-if questions."""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from fo_analytics.api.parameters import InstantField
from fo_analytics.api.time_range import RangeEndField, RangeStartField
from fo_analytics.domain.chain import Convention
from tradingviz.core.bodies import ChoiceField

MOST_LEGS = 40
MOST_SPOTS, MOST_SHIFTS, MOST_TIMES = 41, 21, 21
MOST_LOTS = 100_000
WIDEST = 1_000  # what is wider than it can be is cut; what is beyond this is no range
LARGEST_KEY = 2**63 - 1
LEAST_PRICE = Decimal("0.0001")


def _price() -> serializers.DecimalField:
    return serializers.DecimalField(
        max_digits=14,
        decimal_places=4,
        min_value=LEAST_PRICE,
        required=False,
        help_text="rupees a unit, above 0; default the mark",
    )


class FiniteField(serializers.FloatField):
    """A number: neither NaN nor infinite, no truth either."""

    def to_internal_value(self, data: Any) -> float:
        """Return the number."""
        value: float = super().to_internal_value(data)
        if isinstance(data, bool) or not math.isfinite(value):
            self.fail("invalid")
        return value


class LaterField(InstantField):
    """An instant, to come or past."""

    past_only = False


class Strict(serializers.Serializer[Any]):
    """A body whose unknown fields are refused by name."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the checked values."""
        if isinstance(data, Mapping) and (unknown := sorted(set(data) - set(self.fields))):
            raise serializers.ValidationError({name: ["unknown field"] for name in unknown})
        return super().to_internal_value(data)


class PayoffParameters(Strict):
    """Which prices of the underlying a payoff is shown at."""

    range = FiniteField(
        min_value=0.1,
        max_value=WIDEST,
        required=False,
        help_text="per cent of the spot each side, at most 50; default as many as show all strikes",
    )
    points = serializers.IntegerField(min_value=1, max_value=401, default=101, help_text="how many prices")


class ScenarioParameters(Strict):
    """The grid: how many places, and how far from the present."""

    spots = serializers.IntegerField(min_value=1, max_value=MOST_SPOTS, default=21, help_text="how many spots")
    spot_range = FiniteField(
        min_value=0, max_value=WIDEST, default=5.0, help_text="per cent of the spot each side, at most 50"
    )
    shifts = serializers.IntegerField(
        min_value=1, max_value=MOST_SHIFTS, default=5, help_text="how many shifts of all volatilities"
    )
    shift_range = FiniteField(
        min_value=0, max_value=WIDEST, default=5.0, help_text="volatility points (0.01 a year) each side, at most 50"
    )
    times = serializers.IntegerField(min_value=1, max_value=MOST_TIMES, default=5, help_text="how many instants")
    until = LaterField(
        required=False,
        help_text="the last instant, Unix seconds or ISO-8601 (IST without offset); default the first expiry, at most "
        "the last one",
    )


class GreeksParameters(serializers.Serializer[Any]):
    """How Greeks are computed."""

    convention = ChoiceField(choices=[c.value for c in Convention], default=Convention.EXACT.value)


class StatisticsParameters(serializers.Serializer[Any]):
    """Over which time."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add `from`, which Python cannot declare, and `to`."""
        start = RangeStartField(
            required=False,
            help_text="Unix seconds or ISO-8601 (IST without offset); default and earliest 366 days before `to`",
        )
        end = RangeEndField(
            required=False, help_text="exclusive, as `from`; a bare date: the end of it; default the newest candle"
        )
        return {**super().get_fields(), "from": start, "to": end}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a range that ends before it begins."""
        if attrs.get("from", 0) >= attrs.get("to", float("inf")):
            raise serializers.ValidationError({"from": ["the range is empty: `from` must be before `to`"]})
        return attrs


class WhatIfLegBody(Strict):
    """A leg that might be opened: a contract by token, by trading symbol, or by underlying, kind, expiry and strike."""

    token = serializers.IntegerField(min_value=1, max_value=LARGEST_KEY, required=False)
    tradingsymbol = serializers.CharField(max_length=64, required=False)
    underlying = serializers.CharField(max_length=32, required=False, help_text="symbol or alias")
    kind = ChoiceField(choices=("CE", "PE", "FUT", "EQ"), required=False)
    expiry = serializers.CharField(max_length=32, required=False, help_text="a date or a label, as NWeek+0")
    strike = serializers.DecimalField(max_digits=12, decimal_places=2, required=False, help_text="rupees")
    side = ChoiceField(choices=("BUY", "SELL"))
    lots = serializers.IntegerField(min_value=1, max_value=MOST_LOTS)
    price = _price()


class WhatIfExitBody(Strict):
    """Lots of a leg that might be closed."""

    leg = serializers.IntegerField(min_value=1, max_value=LARGEST_KEY, help_text="the leg's id")
    lots = serializers.IntegerField(min_value=1, max_value=MOST_LOTS, required=False, help_text="default all open ones")
    price = _price()


class ChangesBody(Strict):
    """What might be done to a strategy; nothing is stored."""

    legs = WhatIfLegBody(many=True, required=False, max_length=MOST_LEGS)  # type: ignore[call-arg]  # many takes it
    exits = WhatIfExitBody(many=True, required=False, max_length=MOST_LEGS)  # type: ignore[call-arg]  # as above


class NewLegsBody(Strict):
    """Legs that are stored nowhere."""

    legs = WhatIfLegBody(many=True, min_length=1, max_length=MOST_LEGS)  # type: ignore[call-arg]  # many takes them


class ChangedPayoff(ChangesBody, PayoffParameters):
    """A payoff after changes."""


class ChangedScenario(ChangesBody, ScenarioParameters):
    """A scenario after changes."""


class NewPayoff(NewLegsBody, PayoffParameters):
    """The payoff of new legs."""


class NewScenario(NewLegsBody, ScenarioParameters):
    """The scenario of new legs."""

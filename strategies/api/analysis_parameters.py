"""What questions about a strategy take: parameters of a query, bodies of what-if questions."""

import math
from typing import Any

from rest_framework import serializers

from fo_analytics.api.parameters import InstantField
from fo_analytics.api.time_range import RangeEndField, RangeStartField
from fo_analytics.domain.chain import Convention
from strategies.api.bodies import BIGGEST_KEY, HIGHEST, LOWEST, NamedBody
from strategies.services.trades import MOST_LEGS
from tradingviz.core.bodies import Body, ChoiceField, PriceField, WholeField

MOST_SPOTS, MOST_SHIFTS, MOST_TIMES = 41, 21, 21
MOST_LOTS = 100_000
WIDEST = 1_000  # what is wider than it can be is cut; what is beyond this is no range


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


class PayoffParameters(Body):
    """Which prices of the underlying a payoff is shown at."""

    range = FiniteField(
        min_value=0.1,
        max_value=WIDEST,
        required=False,
        help_text="per cent of the spot each side, at most 50; default as many as show all strikes",
    )
    points = serializers.IntegerField(min_value=1, max_value=401, default=101, help_text="how many prices")


class ScenarioParameters(Body):
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


class WhatIfLegBody(NamedBody):
    """A leg that might be opened."""

    lots = WholeField(min_value=1, max_value=MOST_LOTS)
    price = PriceField(required=False, min_value=LOWEST, max_value=HIGHEST, help_text="rupees a unit; default the mark")


class WhatIfExitBody(Body):
    """Lots of a leg that might be closed."""

    leg = WholeField(min_value=1, max_value=BIGGEST_KEY, help_text="the leg's id")
    lots = WholeField(min_value=1, max_value=MOST_LOTS, required=False, help_text="default all open ones")
    price = PriceField(required=False, min_value=LOWEST, max_value=HIGHEST, help_text="rupees a unit; default the mark")


class ChangesBody(Body):
    """What might be done to a strategy; nothing is stored."""

    legs = WhatIfLegBody(many=True, required=False, max_length=MOST_LEGS)  # type: ignore[call-arg]  # many takes it
    exits = WhatIfExitBody(many=True, required=False, max_length=MOST_LEGS)  # type: ignore[call-arg]  # as above


class NewLegsBody(Body):
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

"""Query parameters of the questions about what chains mean."""

import math
import re
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from fo_analytics.api.parameters import MAX_LEVELS, UnderlyingParameters
from fo_analytics.domain.chain import Convention
from fo_analytics.domain.iv_rank import FEWEST_DAYS
from tradingviz.core.bodies import ChoiceField

DAY = "day"
FEWEST_MINUTES, MOST_MINUTES = 5, 1440
_WINDOW = re.compile(r"([1-9][0-9]{0,3})m")


class FiniteField(serializers.FloatField):
    """A number that is one: neither NaN nor infinite."""

    def to_internal_value(self, data: Any) -> float:
        """Return the number."""
        value = super().to_internal_value(data)
        if not math.isfinite(value):
            self.fail("invalid")
        return value


@extend_schema_field(OpenApiTypes.STR)
class WindowField(serializers.CharField):
    """`day`, or minutes like `15m`."""

    default_error_messages = {
        "window": f"not a window: give day, or {FEWEST_MINUTES}m to {MOST_MINUTES}m",
    }

    def to_internal_value(self, data: Any) -> str:
        """Return the text, checked."""
        text = super().to_internal_value(data)
        if text != DAY and not FEWEST_MINUTES <= (minutes_of(text) or 0) <= MOST_MINUTES:
            self.fail("window")
        return text


def minutes_of(window: str) -> int | None:
    """Return the minutes of a window; None for the day."""
    match = _WINDOW.fullmatch(window)
    return int(match[1]) if match else None


def _levels() -> serializers.IntegerField:
    text = "strikes each side of the money; totals are over all strikes"
    return serializers.IntegerField(min_value=0, max_value=MAX_LEVELS, default=50, help_text=text)


def _limit() -> serializers.IntegerField:
    return serializers.IntegerField(min_value=1, max_value=100, default=10, help_text="rows each of gainers and losers")


def _rank_days() -> serializers.IntegerField:
    text = f"sessions before this one among which volatility is ranked; {FEWEST_DAYS} at least"
    few = f"a rank needs the values of at least {FEWEST_DAYS} sessions: give {FEWEST_DAYS} to 1000"
    return serializers.IntegerField(
        min_value=FEWEST_DAYS, max_value=1000, default=252, help_text=text, error_messages={"min_value": few}
    )


def _tolerance(default: float, text: str) -> FiniteField:
    return FiniteField(min_value=0.0, max_value=1e6, default=default, help_text=text)


class ValuedParameters(UnderlyingParameters):
    """Which underlying, as of when, valued how."""

    convention = ChoiceField(choices=[c.value for c in Convention], default=Convention.EXACT.value)


class ExpiriesParameters(ValuedParameters):
    """Which chains."""

    expiry = serializers.ListField(
        child=serializers.CharField(max_length=32),
        required=False,
        max_length=12,
        help_text="a date or label (NWeek+0, NMonth+1, …), repeatable; default the nearest",
    )


class SmileParameters(ExpiriesParameters):
    """Which smiles, ranked over how long."""

    rank_days = _rank_days()


class TermStructureParameters(ExpiriesParameters):
    """Which expiries: by default all that have not expired."""

    expiry = serializers.ListField(
        child=serializers.CharField(max_length=32),
        required=False,
        max_length=12,
        help_text="a date or label, repeatable; default all that have not expired",
    )


class SurfaceParameters(TermStructureParameters):
    """Where the surface is looked at, and how much an arbitrage must be worth."""

    axis = ChoiceField(
        choices=("log_moneyness", "deviations"),
        default="log_moneyness",
        help_text="the grid's coordinate: ln(K/F), or ln(K/F) / (σ_ATM·√T)",
    )
    width = FiniteField(
        min_value=0.001,
        max_value=10.0,
        required=False,
        help_text="the grid reaches from −width to width; default 0.1, in deviations 2",
    )
    points = serializers.IntegerField(min_value=2, max_value=201, default=21, help_text="of the grid")
    days = serializers.ListField(
        child=FiniteField(min_value=0.001, max_value=3650.0),
        required=False,
        max_length=24,
        help_text="calendar days to maturity between the listed expiries, repeatable; default none",
    )
    calendar_tolerance = _tolerance(1e-6, "total variance by which an earlier expiry must be above to be flagged")
    butterfly_tolerance = _tolerance(0.1, "rupees by which an option must be above its neighbours' line to be flagged")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take up the default width of the axis."""
        attrs = super().validate(attrs)
        attrs.setdefault("width", 0.1 if attrs["axis"] == "log_moneyness" else 2.0)
        return attrs


class ExposureParameters(ExpiriesParameters):
    """Which chains, how many rows of them."""

    levels = _levels()


class OiChangeParameters(UnderlyingParameters):
    """Which contracts, compared with when, ranked how."""

    expiry = ExpiriesParameters().fields["expiry"]
    window = WindowField(default=DAY, help_text="day: since the previous session; 15m, 60m, …: since so long ago")
    by = ChoiceField(choices=("absolute", "percent"), default="absolute", help_text="what is ranked")
    limit = _limit()
    price_threshold = _tolerance(0.0, "per cent beyond which a price counts as changed")
    oi_threshold = _tolerance(0.0, "per cent beyond which open interest counts as changed")


class SnapshotParameters(ValuedParameters):
    """Which chain, how much of each part."""

    expiry = serializers.CharField(
        max_length=32, required=False, help_text="a date or label; default the nearest expiry"
    )
    levels = _levels()
    limit = _limit()
    rank_days = _rank_days()

"""Query parameters of `/fo/*`: what they accept, and what they mean."""

from datetime import UTC, datetime
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from fo_analytics.domain.calendar import IST, to_ms
from fo_analytics.domain.chain import Convention
from fo_analytics.domain.timeframes import ALIASES, MINUTES, timeframe_named
from tradingviz.core.bodies import ChoiceField
from tradingviz.core.clock import now_ms

SORTS = ("strike", "call_oi", "put_oi", "call_volume", "put_volume", "call_iv", "put_iv")
MAX_LEVELS = 500
TIMEFRAMES = "1m 5m 15m 30m 1h 1d, or an alias: 1min, 60, 1D, …"


@extend_schema_field(OpenApiTypes.STR)
class InstantField(serializers.Field[int, str, Any, Any]):
    """A past instant: Unix seconds, or ISO-8601; without an offset it is Indian Standard Time. Becomes ms UTC."""

    past_only = True
    default_error_messages = {
        "invalid": "not an instant: give Unix seconds or ISO-8601 like 2026-02-03T15:29:00+05:30",
        "future": "not a past instant: leave it out for what is live",
    }

    def to_internal_value(self, data: str) -> int:
        """Return milliseconds UTC."""
        try:
            instant = _instant(str(data).strip())
            milliseconds = to_ms(instant)
        except (ValueError, OverflowError, OSError):
            self.fail("invalid")
        if not 2000 <= instant.year <= 2100:
            self.fail("invalid")
        if self.past_only and milliseconds > now_ms():
            self.fail("future")
        return milliseconds

    def to_representation(self, value: int) -> str:
        """Return the wire form."""
        return str(value)


def _instant(text: str) -> datetime:
    if text.isascii() and text.isdigit():
        return datetime.fromtimestamp(int(text), UTC)
    # A "+" pasted into a query string arrives as a space.
    instant = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    return instant if instant.tzinfo else instant.replace(tzinfo=IST)


@extend_schema_field({"type": "string", "enum": [*MINUTES, *ALIASES]})
class TimeframeField(serializers.CharField):
    """How long a bucket is, by name or alias."""

    def to_internal_value(self, data: str) -> str:
        """Return the timeframe's own name."""
        try:
            return timeframe_named(super().to_internal_value(data))
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error


class SubjectParameters(serializers.Serializer[Any]):
    """Which underlying."""

    underlying = serializers.CharField(max_length=32, required=False, help_text="symbol or alias, e.g. NIFTY")
    symbol = serializers.CharField(max_length=32, required=False, help_text="alias of underlying")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Fold the alias into the parameter."""
        name = attrs.pop("symbol", None)
        attrs.setdefault("underlying", name)
        if not attrs["underlying"]:
            raise serializers.ValidationError({"underlying": ["this parameter is required"]})
        return attrs


class UnderlyingParameters(SubjectParameters):
    """Which underlying, and as of when."""

    at = InstantField(
        required=False,
        help_text="a past instant: Unix seconds or ISO-8601 (IST without offset); default live",
    )


class StrikeDistributionParameters(UnderlyingParameters):
    """What part of a chain, valued how, in which order."""

    expiry = serializers.ListField(
        child=serializers.CharField(max_length=32),
        required=False,
        max_length=12,
        help_text="a date or label (NWeek+0, NMonth+1, …), repeatable; default the nearest",
    )
    levels = serializers.IntegerField(
        min_value=0,
        max_value=MAX_LEVELS,
        required=False,
        help_text="strikes each side of the money; default 50",
    )
    strike_range = serializers.IntegerField(
        min_value=0, max_value=MAX_LEVELS, required=False, help_text="alias of levels"
    )
    timeframe = TimeframeField(
        required=False,
        help_text=f"{TIMEFRAMES}: the chains at the close of the last bucket that had closed by `at`, or by now, with "
        "its volume; default the instant itself, with the volume of the day",
    )
    option_side = ChoiceField(choices=("both", "call", "put"), default="both")
    sort = ChoiceField(
        choices=[f"{sign}{name}" for name in SORTS for sign in ("", "-")],
        default="strike",
        help_text="a minus sorts downwards; unknown values come last",
    )
    convention = ChoiceField(choices=[c.value for c in Convention], default=Convention.EXACT.value)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Fold the aliases, and take up the default."""
        attrs = super().validate(attrs)
        alias = attrs.pop("strike_range", None)
        attrs.setdefault("levels", 50 if alias is None else alias)
        return attrs

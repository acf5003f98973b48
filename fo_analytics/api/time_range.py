"""Parameters of questions over time: which buckets, from when to when; defaulted and capped, which the answer says."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from fo_analytics.api.parameters import TIMEFRAMES, InstantField, SubjectParameters, TimeframeField

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@extend_schema_field(OpenApiTypes.STR)
class RangeStartField(InstantField):
    """The instant a range begins at."""

    past_only = False


@extend_schema_field(OpenApiTypes.STR)
class RangeEndField(RangeStartField):
    """The instant before which a range ends; a bare date means the end of that day."""

    def to_internal_value(self, data: str) -> int:
        """Return milliseconds UTC."""
        instant = super().to_internal_value(data)
        whole_day = _DATE.fullmatch(str(data).strip())
        return instant + (timedelta(days=1) // timedelta(milliseconds=1) if whole_day else 0)


@extend_schema_field(OpenApiTypes.STR)
class NamesField(serializers.Field[list[Any], Sequence[str], Any, Any]):
    """Names separated by commas, the parameter repeatable; each is looked up once, in the order given."""

    default_error_messages = {
        "empty": "name at least one",
        "max_length": "at most {max_length} at once",
    }

    def __init__(self, *, named: Callable[[str], Any], max_length: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.named = named
        self.max_length = max_length

    def get_value(self, dictionary: Mapping[Any, Any]) -> Any:
        """Return all values of the parameter; nothing where it is not there."""
        values = dictionary.getlist(self.field_name) if hasattr(dictionary, "getlist") else []
        return values or serializers.empty

    def to_internal_value(self, data: Sequence[str]) -> list[Any]:
        """Return what the names mean, each once. `named` raises ValueError for one that means nothing."""
        names = [name.strip() for text in data for name in text.split(",") if name.strip()]
        if not names:
            self.fail("empty")
        if len(names) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        try:
            return list(dict.fromkeys(self.named(name) for name in names))
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error

    def to_representation(self, value: Sequence[Any]) -> str:
        """Return the wire form."""
        return ",".join(map(str, value))


class TimeRangeParameters(SubjectParameters):
    """Which underlying, in which timeframe, over which time."""

    timeframe = TimeframeField(default="1m", help_text=TIMEFRAMES)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add `from`, which Python cannot declare, and `to`."""
        start = RangeStartField(
            required=False, help_text="Unix seconds or ISO-8601 (IST without offset); default the session of `to`"
        )
        end = RangeEndField(
            required=False, help_text="exclusive, as `from`; a bare date: the end of it; default the last session's end"
        )
        return {**super().get_fields(), "from": start, "to": end}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a range that ends before it begins."""
        attrs = super().validate(attrs)
        if attrs.get("from", 0) >= attrs.get("to", float("inf")):
            raise serializers.ValidationError({"from": ["the range is empty: `from` must be before `to`"]})
        return attrs


class RollingParameters(TimeRangeParameters):
    """The same of an expiry, which may be a label that rolls over."""

    expiry = serializers.CharField(
        max_length=32, default="NWeek+0", help_text="a date, or a label: it rolls over at each expiry instant"
    )

"""Parameters and answers of questions about what is listed."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.core import signing
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from fo_analytics.api.parameters import InstantField
from fo_analytics.api.time_range import NamesField
from fo_analytics.models import InstrumentKind
from fo_analytics.selectors.listing import Place
from tradingviz.core.shapes import Shape

MAX_STRIKE = Decimal("9999999999.99")
_SALT = "fo_analytics.instruments"


class NoParameters(serializers.Serializer[Any]):
    """Nothing to choose."""


def _kind_named(name: str) -> str:
    if name not in InstrumentKind.values:
        raise ValueError(f"unknown kind {name!r}: {', '.join(InstrumentKind.values)}")
    return name


@extend_schema_field(OpenApiTypes.STR)
class CursorField(serializers.Field[Place, str, Any, Any]):
    """Where a page begins: what an answer said as `next`."""

    default_error_messages = {"invalid": "not a cursor: give what an answer said as `next`"}

    def to_internal_value(self, data: str) -> Place:
        """Return a place in the order of the listing."""
        try:
            symbol, expiry, strike, kind = signing.loads(str(data), salt=_SALT)
        except signing.BadSignature:
            self.fail("invalid")
        return str(symbol), date.fromisoformat(expiry), Decimal(strike), str(kind)

    def to_representation(self, value: Place) -> str:
        """Return the wire form."""
        return cursor_of(value)


def cursor_of(place: Place) -> str:
    """Return a place as clients see it: opaque, and of our making."""
    symbol, expiry, strike, kind = place
    return signing.dumps([symbol, expiry.isoformat(), str(strike), kind], salt=_SALT)


class InstrumentsParameters(serializers.Serializer[Any]):
    """Which instruments, and how many at once."""

    underlying = serializers.CharField(max_length=32, required=False, help_text="symbol or alias; default all")
    symbol = serializers.CharField(max_length=32, required=False, help_text="alias of underlying")
    expiry = serializers.CharField(max_length=32, required=False, help_text="a date; or a label, with an underlying")
    kind = NamesField(named=_kind_named, max_length=4, required=False, help_text="SPOT, FUT, CE, PE; a list of them")
    strike_min = serializers.DecimalField(
        max_digits=12, decimal_places=2, min_value=Decimal(0), max_value=MAX_STRIKE, required=False, help_text="rupees"
    )
    strike_max = serializers.DecimalField(
        max_digits=12, decimal_places=2, min_value=Decimal(0), max_value=MAX_STRIKE, required=False, help_text="rupees"
    )
    at = InstantField(
        required=False, help_text="only what was listed on the day of a past instant, with its terms; default: all"
    )
    limit = serializers.IntegerField(min_value=1, max_value=1000, default=200)
    cursor = CursorField(required=False, help_text="`next` of the answer before; the other parameters stay the same")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Fold the alias into the parameter."""
        name = attrs.pop("symbol", None)
        if name is not None:
            attrs.setdefault("underlying", name)
        return attrs


class InstrumentShape(Shape):
    """One instrument; lot and tick are those of the answer's `day`."""

    token = serializers.IntegerField(help_text="what ticks carry")
    tradingsymbol = serializers.CharField()
    underlying = serializers.CharField()
    kind = serializers.ChoiceField(choices=InstrumentKind.values)
    expiry = serializers.DateField(allow_null=True)
    strike = serializers.FloatField(allow_null=True, help_text="rupees")
    lot_size = serializers.IntegerField(help_text="units in one lot")
    tick_size = serializers.FloatField(help_text="rupees")
    valid_from = serializers.DateField(allow_null=True, help_text="first day it was listed; null: not known")
    valid_to = serializers.DateField(allow_null=True, help_text="last day, inclusive; null: open")


class InstrumentsShape(Shape):
    """A page of instruments."""

    day = serializers.DateField(help_text="the day whose terms these are")
    instruments = InstrumentShape(many=True)
    next = serializers.CharField(allow_null=True, help_text="`cursor` of the next page; null: this was the last")


class UnderlyingShape(Shape):
    """An underlying."""

    symbol = serializers.CharField()
    exchange = serializers.CharField(help_text="whose sessions it follows")
    is_index = serializers.BooleanField()
    aliases = serializers.ListField(child=serializers.CharField())
    expiries = serializers.IntegerField(help_text="option expiries listed on the day of `ts_event` that are not over")
    ts_event = serializers.IntegerField(allow_null=True, help_text="the newest instant known, ms UTC")


class UnderlyingsShape(Shape):
    """All underlyings."""

    underlyings = UnderlyingShape(many=True)


class IndicatorShape(Shape):
    """What a series can be of."""

    name = serializers.CharField()
    aliases = serializers.ListField(child=serializers.CharField())
    of = serializers.CharField(help_text="contract: one call or put; chain: all of an expiry")
    unit = serializers.CharField()
    meaning = serializers.CharField()


class IndicatorsShape(Shape):
    """All indicators."""

    indicators = IndicatorShape(many=True)

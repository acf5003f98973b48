"""What bodies of requests have in common: nothing is overlooked, nothing is taken for what it is not."""

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from rest_framework import serializers

# Up to ten thousand crore, to the paisa; prices to a hundredth of a paisa.
MONEY: dict[str, Any] = {"max_digits": 15, "decimal_places": 2}
PRICE: dict[str, Any] = {"max_digits": 13, "decimal_places": 4, "min_value": Decimal(0)}
_POINT = Decimal("0.0001")


class Body(serializers.Serializer[Any]):
    """A body: a field that it does not know is an error that names it, and not a typing mistake with consequences."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the values. Raises ValidationError."""
        if isinstance(data, Mapping) and (unknown := sorted(str(name) for name in data.keys() - self.fields.keys())):
            raise serializers.ValidationError(dict.fromkeys(unknown[:10], "there is no such field"))
        return super().to_internal_value(data)


class TextField(serializers.CharField):
    """A text; DRF's own takes a number for one."""

    def to_internal_value(self, data: Any) -> str:
        """Return the text."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class ChoiceField(serializers.ChoiceField):
    """One of a few texts; DRF's own does not say which."""

    def __init__(self, choices: Iterable[Any], **kwargs: Any) -> None:
        known = list(choices)
        told = ", ".join(str(choice) for choice in known).replace("{", "{{").replace("}", "}}")
        messages = {"invalid_choice": f'"{{input}}" is none of: {told}'}
        super().__init__(choices=known, **{"error_messages": messages, **kwargs})


class WholeField(serializers.IntegerField):
    """A whole number; DRF's own takes texts and fractions that look like one."""

    def to_internal_value(self, data: Any) -> int:
        """Return the number."""
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)


class _Exact(serializers.DecimalField):
    """A number written as a text: a JSON number may have been rounded on its way."""

    def to_internal_value(self, data: Any) -> Decimal:
        """Return the number."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class MoneyField(_Exact):
    """Rupees to the paisa, written as a text: "-1250.00"."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**MONEY, "rounding": None, **kwargs})


class ShownMoney(serializers.DecimalField):
    """Rupees of an answer, however many: rounded half to even to two decimals, written as a text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=None, decimal_places=2, rounding=ROUND_HALF_EVEN, read_only=True, **kwargs)


class PriceField(_Exact):
    """Rupees of one unit, 0 or more, written as a text with two to four decimals: "171.40", "0.0525"."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**PRICE, **kwargs})

    def to_representation(self, value: Any) -> str:
        """Return the text."""
        return price_text(Decimal(value))


def price_text(price: Decimal) -> str:
    """Return a price in rupees as answers have it, rounded half to even to four decimals."""
    whole, _, decimals = f"{price.quantize(_POINT, ROUND_HALF_EVEN):f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"

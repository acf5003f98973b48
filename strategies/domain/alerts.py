"""An alert on a strategy's value: it fires once, and only on fresh data. A state machine without a clock."""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple


class Condition(StrEnum):
    """When an alert fires: the value is at or beyond the threshold."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"

    def holds(self, value: Decimal, threshold: Decimal) -> bool:
        """Return whether a value meets the threshold."""
        return value >= threshold if self is Condition.AT_LEAST else value <= threshold


class Observation(NamedTuple):
    """A value (rupees, None: not known), the instant it is of (milliseconds UTC), and whether a price in it is old."""

    value: Decimal | None
    at_ms: int
    partial: bool


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert, armed until it fires. `threshold` rupees; `since_ms`: only values of that instant or later count."""

    condition: Condition
    threshold: Decimal
    since_ms: int
    fired_at_ms: int | None = None
    fired_value: Decimal | None = None

    @property
    def has_fired(self) -> bool:
        """Return whether it has fired."""
        return self.fired_at_ms is not None


def observe(alert: Alert, seen: Observation, *, now_ms: int, fresh_ms: int) -> tuple[Alert, bool]:
    """Return the alert after an observation, and whether it fired just now.

    Not on values that are unknown, partial, older than `fresh_ms`, from before the alert was set, or from the future;
    never twice. Two that observe the same alert agree; that only one of them tells is for a compare-and-set.
    """
    fresh = 0 <= now_ms - seen.at_ms <= fresh_ms and seen.at_ms >= alert.since_ms
    if alert.has_fired or seen.value is None or seen.partial or not fresh:
        return alert, False
    if not alert.condition.holds(seen.value, alert.threshold):
        return alert, False
    return replace(alert, fired_at_ms=seen.at_ms, fired_value=seen.value), True


def rearm(alert: Alert, *, now_ms: int) -> Alert:
    """Return the alert armed again, for values from now on."""
    return replace(alert, since_ms=now_ms, fired_at_ms=None, fired_value=None)

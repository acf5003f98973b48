"""Drawdown, days, and alerts that fire once and only on fresh data."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from strategies.domain.alerts import Alert, Condition, Observation, observe, rearm
from strategies.domain.statistics import Drawdown, daily_statistics, drawdown

MONDAY = date(2026, 2, 2)
ALERT = Alert(Condition.AT_MOST, Decimal(-5_000), since_ms=1_000)


def rupees(*amounts: str) -> list[Decimal]:
    """Return amounts as Decimals."""
    return [Decimal(amount) for amount in amounts]


def days(*amounts: str) -> list[tuple[date, Decimal]]:
    """Return amounts as values of days in a row."""
    return [(MONDAY + timedelta(days=place), Decimal(amount)) for place, amount in enumerate(amounts)]


def test_the_deepest_fall_counts_from_the_high_before_it() -> None:
    found = drawdown(rupees("0", "100.05", "40", "90", "130", "20.10", "60", "130", "131"))
    assert found == Drawdown(Decimal("109.90"), peak=4, trough=5, recovered=7)


def test_a_fall_may_not_be_over_yet() -> None:
    assert drawdown(rupees("10", "-5", "9.95")) == Drawdown(Decimal(15), 0, 1, None)
    assert drawdown(rupees("1", "2", "3")) == Drawdown(Decimal(0), 0, 0, 0)
    assert drawdown([]) is None


def test_days_are_summed_up_by_their_changes() -> None:
    found = daily_statistics(days("100", "50.05", "50.05", "80.05"))
    assert found is not None
    assert (found.days, found.total, found.mean) == (4, Decimal("80.05"), Decimal("20.01"))  # 20.0125
    assert found.best == (MONDAY, Decimal(100))
    assert found.worst == (MONDAY + timedelta(days=1), Decimal("-49.95"))
    assert (found.gains, found.losses, found.winning) == (2, 1, 0.5)
    # Changes 100, −49.95, 0, 30 about 20.0125: Σ squares 11,793.0019, by 3.
    assert found.deviation == pytest.approx(62.6977, abs=1e-4)


def test_one_day_has_no_deviation_and_none_has_nothing() -> None:
    one = daily_statistics(days("-3"), start=Decimal(2))
    assert one is not None
    assert (one.total, one.deviation) == (Decimal(-5), None)
    assert daily_statistics([]) is None
    with pytest.raises(ValueError, match="ascend"):
        daily_statistics([*days("1"), *days("2")])


def seen(value: str | None, at_ms: int = 2_000, *, partial: bool = False) -> Observation:
    """Return an observation."""
    return Observation(None if value is None else Decimal(value), at_ms, partial)


def fires(observation: Observation, *, now_ms: int = 2_000) -> bool:
    """Return whether the alert fires on an observation."""
    return observe(ALERT, observation, now_ms=now_ms, fresh_ms=5_000)[1]


def test_an_alert_fires_once() -> None:
    fired, first = observe(ALERT, seen("-5000.00"), now_ms=2_500, fresh_ms=5_000)
    again, second = observe(fired, seen("-9000", 3_000), now_ms=3_000, fresh_ms=5_000)
    assert (first, second, again) == (True, False, fired)
    assert (fired.fired_at_ms, fired.fired_value) == (2_000, Decimal("-5000.00"))


@pytest.mark.parametrize(
    ("observation", "now_ms"),
    [
        (seen("-4999.99"), 2_000),
        (seen(None), 2_000),
        (seen("-9000", partial=True), 2_000),
        (seen("-9000", 2_000), 7_001),  # old
        (seen("-9000", 999), 1_000),  # from before it was set
        (seen("-9000", 2_001), 2_000),  # from the future
    ],
)
def test_an_alert_does_not_fire_on_what_does_not_count(observation: Observation, now_ms: int) -> None:
    assert not fires(observation, now_ms=now_ms)
    assert fires(seen("-9000"), now_ms=7_000)


def test_at_least_is_the_other_way_round() -> None:
    upper = Alert(Condition.AT_LEAST, Decimal(100), since_ms=0)
    assert [observe(upper, seen(v), now_ms=2_000, fresh_ms=1)[1] for v in ("99.99", "100", "101")] == [
        False,
        True,
        True,
    ]


def test_an_alert_armed_again_looks_only_forward() -> None:
    fired, _ = observe(ALERT, seen("-9000"), now_ms=2_000, fresh_ms=5_000)
    armed = rearm(fired, now_ms=3_000)
    assert not armed.has_fired
    assert not observe(armed, seen("-9000", 2_999), now_ms=3_000, fresh_ms=5_000)[1]
    assert observe(armed, seen("-9000", 3_000), now_ms=3_000, fresh_ms=5_000)[1]

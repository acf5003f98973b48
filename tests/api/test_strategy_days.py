"""`/strategies/{id}/statistics`: candles by hand, sums beside them."""

from datetime import date

import pytest

from accounts.models import User
from fo_analytics.domain.calendar import IST
from strategies.models import Strategy, StrategyCandle
from tests.api.alike import queries_of
from tests.api.asking import Asker
from tests.api.strategies_made import ENTERED, candles, strategy_of

pytestmark = pytest.mark.usefixtures("redis_url")
MONDAY, TUESDAY, WEDNESDAY = date(2026, 2, 2), date(2026, 2, 3), date(2026, 2, 4)
OPENS = 1_770_003_900  # Monday 09:15 IST


@pytest.fixture
def strategy(owner: User) -> Strategy:
    """Three days: 0 → 100.05 → −40, −40 → 10, 10 → −100 → 60; the first two minutes of candles from bars."""
    found = strategy_of(owner)
    candles(found, MONDAY, 0, 10_005, -4_000)
    candles(found, TUESDAY, -4_000, 1_000)
    candles(found, WEDNESDAY, 1_000, -10_000, 6_000, partial=True)
    StrategyCandle.objects.filter(time__lt=ENTERED, close__gte=0).update(from_bars=True)
    return found


def test_the_deepest_fall_over_all_closes(ask: Asker, strategy: Strategy) -> None:
    body = ask(f"/strategies/{strategy.pk}/statistics").body
    # 100.05 on Monday 09:16, −100 on Wednesday 09:16; never as high again.
    assert body["drawdown"] == {
        "depth": "200.05",
        "peak": {"time": OPENS + 60, "value": "100.05"},
        "trough": {"time": OPENS + 2 * 86_400 + 60, "value": "-100.00"},
        "recovered": None,
    }


def test_days_are_summed_up_by_their_last_candles(ask: Asker, strategy: Strategy) -> None:
    body = ask(f"/strategies/{strategy.pk}/statistics").body
    assert body["days"] == [
        {"date": "2026-02-02", "close": "-40.00", "change": "-40.00"},
        {"date": "2026-02-03", "close": "10.00", "change": "50.00"},
        {"date": "2026-02-04", "close": "60.00", "change": "50.00"},
    ]
    assert body["daily"] == {
        "days": 3,
        "total": "60.00",
        "mean": "20.00",
        "deviation": "51.96",  # −60, 30, 30 about the mean: √(5,400 / 2)
        "deviation_reason": None,
        "best": {"date": "2026-02-03", "change": "50.00"},
        "worst": {"date": "2026-02-02", "change": "-40.00"},
        "gains": 2,
        "losses": 1,
        "winning": pytest.approx(2 / 3),
    }
    assert (body["candles"], body["partial_candles"], body["candles_from_bars"]) == (8, 3, 2)
    assert (body["reason"], body["capped"]) == (None, [])


def test_a_part_of_the_time_begins_with_the_value_before_it(ask: Asker, strategy: Strategy) -> None:
    asked = {"from": "2026-02-03", "to": "2026-02-03"}
    body = ask(f"/strategies/{strategy.pk}/statistics", **asked).body
    assert body["days"] == [{"date": "2026-02-03", "close": "10.00", "change": "50.00"}]
    assert (body["daily"]["total"], body["daily"]["deviation"]) == ("50.00", None)
    assert body["daily"]["deviation_reason"] == "fewer_than_2_days"
    assert (body["from"], body["to"]) == ("2026-02-03T00:00:00+05:30", "2026-02-04T00:00:00+05:30")


def test_more_than_366_days_are_cut_and_said(ask: Asker, strategy: Strategy) -> None:
    body = ask(f"/strategies/{strategy.pk}/statistics", **{"from": "2020-01-01"}).body
    assert body["capped"] == ["from"]
    # The newest candle ends at 09:18 on 4-Feb-2026.
    assert (body["from"], body["to"]) == ("2025-02-03T09:18:00+05:30", "2026-02-04T09:18:00+05:30")


def test_candles_that_are_to_be_made_again_are_said(ask: Asker, strategy: Strategy) -> None:
    Strategy.objects.filter(pk=strategy.pk).update(outdated_since=ENTERED)
    body = ask(f"/strategies/{strategy.pk}/statistics").body
    assert body["outdated_since"] == ENTERED.astimezone(IST).isoformat()


@pytest.mark.parametrize("asked", [{}, {"from": "2026-02-02"}, {"to": "2026-02-02"}])
def test_without_candles_there_is_nothing_to_say(ask: Asker, owner: User, asked: dict[str, str]) -> None:
    body = ask(f"/strategies/{strategy_of(owner).pk}/statistics", **asked).body
    assert (body["drawdown"], body["daily"], body["days"], body["candles"]) == (None, None, [], 0)
    assert body["reason"] == "no_candles"


def test_candles_of_another_strategy_do_not_count(ask: Asker, strategy: Strategy, owner: User) -> None:
    other = strategy_of(owner)
    candles(other, MONDAY, 99_900)
    body = ask(f"/strategies/{other.pk}/statistics").body
    assert (body["candles"], body["daily"]["total"]) == (1, "999.00")


def test_the_number_of_candles_does_not_change_the_number_of_queries(ask: Asker, strategy: Strategy) -> None:
    assert queries_of(lambda: ask(f"/strategies/{strategy.pk}/statistics")) <= 6


@pytest.mark.parametrize(
    ("asked", "field"), [({"from": "x"}, "from"), ({"from": "2026-02-03", "to": "2026-02-01"}, "from"), ({"x": 1}, "x")]
)
def test_junk_is_refused_by_name(ask: Asker, owner: User, asked: dict[str, str], field: str) -> None:
    assert set(ask(f"/strategies/{strategy_of(owner).pk}/statistics", **asked).problem(400)) == {field}

"""What is remembered of sessions is what is stored: a commit of a day changes that day's series."""

from collections.abc import Iterator

import pytest
from django.db.models import F

from fo_analytics.domain.calendar import from_ms, to_ms
from fo_analytics.freshness import note_stored
from fo_analytics.models import Bar, BarRollup, ChainMetric, Instrument, Underlying
from fo_analytics.selectors.courses import closes
from tests.integration.series import market
from tests.integration.series.test_series import ask, recomputed, recomputed_from, rows_of
from tradingviz.core.cache import forget_all
from tradingviz.core.redis import sync_client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stored", "redis_url", "forgotten")]


@pytest.fixture
def forgotten() -> Iterator[None]:
    """Nothing is remembered before, nor afterwards: what a test stores is rolled back."""
    forget_all()
    recomputed_from.cache_clear()
    yield
    forget_all()
    recomputed_from.cache_clear()


@pytest.mark.parametrize("timeframe", ["1m", "5m", "1h"])
def test_a_commit_that_moves_the_money_moves_the_series_of_its_day(timeframe: str) -> None:
    before = rows_of(ask("call", "ATM", "NWeek+1", timeframe))
    assert before == recomputed("call", "ATM", "NWeek+1", timeframe)
    day = next(session for session in market.sessions() if session.date == market.TUESDAY)
    moved = ChainMetric.objects.filter(time__gte=day.opens_at, time__lt=day.closes_at, atm_strike__isnull=False)
    assert moved.update(atm_strike=F("atm_strike") + market.STRIKES[1] - market.STRIKES[0])
    assert rows_of(ask("call", "ATM", "NWeek+1", timeframe)) == before, "nobody has said that it was committed"
    note_stored(sync_client(), [(market.SYMBOL, market.TUESDAY)])
    recomputed_from.cache_clear()
    after = rows_of(ask("call", "ATM", "NWeek+1", timeframe))
    assert after == recomputed("call", "ATM", "NWeek+1", timeframe) != before


@pytest.mark.parametrize(("timeframe", "model"), [("1m", Bar), ("5m", BarRollup)])
def test_a_commit_changes_the_closes_of_its_own_day(timeframe: str, model: type[Bar] | type[BarRollup]) -> None:
    spot = Instrument.objects.get(underlying__symbol=market.SYMBOL, kind="SPOT")
    length = {"timeframe": timeframe} if model is BarRollup else {}
    stored = model.objects.filter(instrument=spot, **length)

    def found() -> dict[int, float | None]:
        owner = Underlying.objects.get(symbol=market.SYMBOL)
        course = closes(underlying=owner, instrument_id=spot.pk, sessions=market.sessions(), timeframe=timeframe)
        values = (None if value != value else value for value in course.value.tolist())
        return dict(zip(course.time_ms.tolist(), values, strict=True))

    assert found() == {to_ms(time): close for time, close in stored.values_list("time", "close")}
    newest = max(found())
    stored.filter(time=from_ms(newest)).update(close=1.5)
    assert found()[newest] != 1.5
    note_stored(sync_client(), [(market.SYMBOL, market.sessions()[-1].date)])
    assert found()[newest] == 1.5

"""Series are one query each, whatever they are of, once it is known what was at the money."""

from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from fo_analytics.models import Bar, BarRollup, ChainMetric, Instrument, Underlying
from fo_analytics.replay.recording import ContractKey
from fo_analytics.services.instruments import ensure_instruments
from tests.integration.series import market
from tests.integration.series.test_series import ask
from tradingviz.core.cache import forget_all

# The underlying, its expiries, whether the sessions changed, the contracts; what was at the money; the bars.
COLD = 6


@pytest.mark.django_db
@pytest.mark.usefixtures("redis_url")
@pytest.mark.parametrize("strikes", [5, 50])
@pytest.mark.parametrize("weeks", [1, 3])
@pytest.mark.parametrize("timeframe", ["1m", "5m"])
def test_one_query_serves_any_number_of_strikes_and_expiries(
    strikes: int, weeks: int, timeframe: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    forget_all()
    days = [market.TUESDAY + timedelta(weeks=week) for week in range(3)]
    keys = [ContractKey(market.SYMBOL, "CE", day, 25_000.0 + 50 * rung) for day in days for rung in range(strikes)]
    ensure_instruments(keys=keys, seen_on=market.MONDAY)
    owner = Underlying.objects.get(symbol=market.SYMBOL)
    for day in days[:weeks]:
        session = market.known_calendar().session_on(day)
        assert session is not None
        for number, time in enumerate(session.bucket_starts[: strikes * 5 : 5]):
            strike = 25_000.0 + 50 * number
            ChainMetric.objects.create(
                underlying=owner, expiry=day, time=time, forward_source="parity", atm_strike=strike
            )
            contract = Instrument.objects.get(expiry=day, strike=str(strike))
            Bar.objects.create(instrument=contract, time=time, close=strike)
            BarRollup.objects.create(instrument=contract, timeframe="5m", time=time, close=strike)
    between = (market.MONDAY, market.MONDAY + timedelta(weeks=weeks))
    ask(timeframe=timeframe, between=between)  # the sessions are known, whatever is forgotten
    forget_all()
    with django_assert_num_queries(COLD):
        ask(timeframe=timeframe, between=between)  # reference data is remembered, and what was at the money
    with django_assert_num_queries(2):  # one of them looks the underlying up
        series = ask(timeframe=timeframe, between=between)
    assert len(series.time_ms) == strikes * weeks
    assert len(set(series.strike)) == strikes
    assert set(series.expiry) == set(days[:weeks])

"""The newest quotes, closes and terms of single instruments: what strategies ask the market for."""

from datetime import UTC, date, datetime

import pytest
import redis
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fo_analytics.domain.calendar import MINUTE_MS, to_ms
from fo_analytics.domain.chain_view import GREEKS
from fo_analytics.models import Instrument, OfficialClose, Underlying
from fo_analytics.replay.recording import ContractKey
from fo_analytics.selectors.closes import LastSpot, last_spots, official_closes
from fo_analytics.selectors.quotes import InstrumentQuote, latest_quotes, latest_time
from fo_analytics.services.instruments import ensure_instruments
from tests.integration.ingest import pipeline
from tests.integration.ingest.test_hardiness import CALL, SPOT, TEN, row
from tradingviz.core.cache import forget_all

pytestmark = pytest.mark.usefixtures("db", "redis_url")

PUT = ContractKey("NIFTY", "PE", date(2026, 2, 3), 25_000.0)
FUTURE = ContractKey("NIFTY", "FUT", date(2026, 2, 24))
QUIET = ContractKey("NIFTY", "CE", date(2026, 2, 3), 26_000.0)


@pytest.fixture
def keys() -> dict[ContractKey, int]:
    """Primary keys of a market in which all but one contract was quoted at 10 o'clock."""
    forget_all()
    tokens = ensure_instruments(keys=[CALL, PUT, SPOT, FUTURE, QUIET], seen_on=date(2026, 2, 2))
    pipeline.send_rows(
        [
            row(tokens[CALL], last=150.0, bid=149.9, ask=150.2),
            row(tokens[PUT], TEN + 500, last=100.0),
            row(tokens[SPOT], last=25_050.0, bid=0.0, ask=0.0),
            row(tokens[FUTURE], TEN + 700, last=25_100.0, bid=25_099.0, ask=25_101.0),
        ]
    )
    pipeline.drain()
    return {key: Instrument.objects.get(token=token).pk for key, token in tokens.items()}


def test_options_futures_and_spots_are_quoted_as_published(keys: dict[ContractKey, int]) -> None:
    quotes = latest_quotes(instrument_ids=keys.values())
    call = quotes[keys[CALL]]
    assert (call.last, call.last_ts, call.bid, call.ask, call.quote_ts) == (150.0, TEN, 149.9, 150.2, TEN)
    assert (call.source, call.greeks_source, call.greeks_ts) == ("live", "live", TEN + 700)
    assert call.greeks is not None
    assert tuple(call.greeks) == GREEKS
    assert call.spot == 25_050.0
    assert call.expires_at_ms == to_ms(datetime(2026, 2, 3, 10, 0, tzinfo=UTC))
    future = quotes[keys[FUTURE]]
    assert (future.last, future.last_ts, future.bid, future.ask) == (25_100.0, TEN + 700, 25_099.0, 25_101.0)
    assert (future.greeks, future.expires_at_ms) == (None, to_ms(datetime(2026, 2, 24, 10, 0, tzinfo=UTC)))
    spot = quotes[keys[SPOT]]
    assert (spot.last, spot.bid, spot.ask, spot.expires_at_ms) == (25_050.0, None, None, None)


def test_what_redis_does_not_know_comes_from_bars(keys: dict[ContractKey, int], redis_url: str) -> None:
    live = latest_quotes(instrument_ids=keys.values())
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        stored = latest_quotes(instrument_ids=keys.values())
    assert len([q for q in queries.captured_queries if "trading_session" not in q["sql"]]) <= 4
    for key in keys.values():
        for name in ("last", "last_ts", "bid", "ask", "quote_ts", "expires_at_ms"):
            assert getattr(stored[key], name) == getattr(live[key], name), name
    call = stored[keys[CALL]]
    assert (call.source, call.greeks_source, call.greeks_ts) == ("bars", "bars", TEN + MINUTE_MS)


def test_of_what_never_traded_nothing_is_known_but_when_it_expires(keys: dict[ContractKey, int]) -> None:
    quotes = latest_quotes(instrument_ids=[keys[QUIET], 10**9])
    assert quotes == {keys[QUIET]: InstrumentQuote(expires_at_ms=to_ms(datetime(2026, 2, 3, 10, 0, tzinfo=UTC)))}


def test_the_newest_instant_of_underlyings_is_that_of_their_topics(keys: dict[ContractKey, int]) -> None:
    assert latest_time(underlyings=["NIFTY", "SENSEX"]) == {"NIFTY": TEN + 700}


def test_closes_and_last_spots_are_those_asked_for(keys: dict[ContractKey, int]) -> None:
    nifty = Underlying.objects.get(symbol="NIFTY")
    day, before = date(2026, 2, 2), date(2026, 1, 30)
    for on, price in ((day, 25_088.4), (before, 24_900.0)):
        OfficialClose.objects.create(underlying=nifty, date=on, price=price, observed_at=datetime.now(UTC))
    wanted = [(nifty.pk, day), (nifty.pk, date(2026, 2, 3)), (0, before)]
    assert official_closes(wanted=wanted) == {(nifty.pk, day): 25_088.4}
    assert last_spots(wanted=wanted) == {(nifty.pk, day): LastSpot(25_050.0, TEN, TEN)}
    assert not official_closes(wanted=[])
    assert not last_spots(wanted=[])


def test_a_last_spot_is_of_before_contracts_expired(keys: dict[ContractKey, int]) -> None:
    """Since August 2026 a session goes on for ten minutes after them."""
    spot = Instrument.objects.get(pk=keys[SPOT])
    expiry = to_ms(datetime(2026, 8, 4, 10, 0, tzinfo=UTC))
    pipeline.send_rows([row(spot.token, expiry - 1_000, last=25_000.0), row(spot.token, expiry + 1_000, last=26_000.0)])
    pipeline.drain()
    key = (spot.underlying_id, date(2026, 8, 4))
    assert last_spots(wanted=[key]) == {key: LastSpot(25_000.0, expiry - 1_000, expiry)}

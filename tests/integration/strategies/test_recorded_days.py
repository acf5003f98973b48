"""30-Jan to 3-Feb-2026, through expiry: every candle against a recomputation of its own from the recording."""

from datetime import datetime, time
from decimal import Decimal
from pathlib import Path

import pytest

from fo_analytics.domain.calendar import IST
from fo_analytics.marks_keys import minute_key
from strategies.models import Strategy
from strategies.selectors.m2m import m2m_documents
from strategies.services.legs import note_outdated
from strategies.services.settlement import settle_expired
from tests.integration.ingest.conftest import module_market as module_market
from tests.integration.strategies import recorded
from tests.integration.strategies.days import LEGS, assert_candles, enter_both, run, snapshots
from tests.integration.strategies.entered import CONDOR, STRADDLE, held, rupees
from tests.integration.strategies.passes import remake_all
from tradingviz.core.clock import now_ms
from tradingviz.core.redis import sync_client

Strategies = dict[str, Strategy]


@pytest.fixture(scope="module")
def replayed(module_market: None, shared_data: Path) -> datetime:
    """The days, and one pass after all; returns when both strategies were entered (naive IST)."""
    days = snapshots(shared_data)
    entered = enter_both(shared_data, days)
    run(days, every=None)
    return entered


@pytest.fixture
def strategies(replayed: datetime, db: None) -> Strategies:
    """Both, by name."""
    return {strategy.name: strategy for strategy in Strategy.objects.all()}


def test_every_candle_is_what_the_recording_says(shared_data: Path, replayed: datetime, strategies: Strategies) -> None:
    assert_candles(shared_data, replayed)
    times = {candle.time.astimezone(IST).time() for candle in strategies["straddle"].candles.all()}
    assert time(9, 15) <= min(times) <= max(times) <= time(15, 29)


def test_expired_legs_are_settled_by_the_official_close_and_not_by_the_last_spot(
    shared_data: Path, replayed: datetime, strategies: Strategies
) -> None:
    assert settle_expired(now_ms=now_ms()) == len(STRADDLE) + len(CONDOR)
    remake_all()
    for name, strategy in strategies.items():
        bought = held(shared_data, LEGS[name])
        worth, by_last_spot = (
            recorded.value(bought, {leg.contract: recorded.intrinsic(leg.contract, close) for leg in bought})
            for close in (recorded.OFFICIAL_CLOSE, recorded.LAST_SPOT)
        )
        document = m2m_documents(strategy_ids=[strategy.pk], now_ms=now_ms())[strategy.pk]
        assert (Decimal(document["value"]), Decimal(document["realised"])) == (worth, worth)
        assert worth != by_last_spot
        assert document["unrealised"] == "0.00"
        ends = set(strategy.legs.values_list("settlement_source", "settlement_is_provisional", "open_lots"))
        assert ends == {("official_close", False, 0)}
    assert_candles(shared_data, replayed)


def test_closes_made_of_stored_minutes_are_those_made_of_marks(
    shared_data: Path, replayed: datetime, strategies: Strategies
) -> None:
    strategy = strategies["straddle"]
    of_marks = rupees(strategy)
    client = sync_client()
    client.delete(*client.keys(minute_key("*")))
    note_outdated(strategy_id=strategy.pk, since=replayed.replace(tzinfo=IST))
    remake_all()
    rows = list(strategy.candles.all())
    assert all((row.from_bars, row.open, row.high, row.low) == (True, None, None, None) for row in rows)
    closes = {row.time.astimezone(IST).replace(tzinfo=None): Decimal(row.close) / 100 for row in rows}
    assert closes == {at: candle[3] for at, candle in of_marks.items()}

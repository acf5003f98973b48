"""`manage.py recompute_m2m`: candles of past sessions made again, by whoever has the shell."""

from datetime import datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from accounts.models import TradingAccount
from fo_analytics.domain.calendar import IST, to_ms
from fo_analytics.models import Instrument
from fo_analytics.services.ingest import make_ingest
from strategies.models import Strategy, StrategyCandle
from tests.integration.ingest import pipeline
from tests.integration.ingest.test_hardiness import row
from tests.integration.strategies.listed import strategy_on
from tests.integration.strategies.passes import recalculate_all, stored

TEN = datetime(2026, 2, 2, 10, 0, tzinfo=IST)


@pytest.fixture
def strategy(account: TradingAccount) -> Strategy:
    """A straddle, with the candles of four minutes."""
    made = Strategy.objects.get(pk=strategy_on(account))
    near = Instrument.objects.filter(underlying__symbol="NIFTY", strike=25_700, expiry="2026-02-03")
    tokens = [1, *near.values_list("token", flat=True)]
    rows = [
        row(token, to_ms(TEN + timedelta(seconds=at)), last=100.0 + at / 10)
        for at in range(0, 240, 7)
        for token in tokens
    ]
    pipeline.send_rows(rows)
    pipeline.drain(make_ingest(shard=0))
    recalculate_all()
    return made


def recompute(strategy: Strategy, first: str, last: str | None = None) -> None:
    """Run the command."""
    options = ["--strategy", str(strategy.pk), "--from", first, *(("--to", last) if last else ())]
    call_command("recompute_m2m", *options)


def test_candles_that_are_gone_or_wrong_are_made_again_and_are_the_same(strategy: Strategy) -> None:
    before = stored()
    assert len(before) == 4
    StrategyCandle.objects.filter(time=TEN).delete()
    StrategyCandle.objects.filter(time__gt=TEN).update(close=1)
    recompute(strategy, "2026-02-01", "2026-02-03")
    assert stored() == before
    recompute(strategy, "2026-02-02")
    assert stored() == before


def test_other_days_and_other_strategies_stay_as_they_are(account: TradingAccount, strategy: Strategy) -> None:
    other = strategy_on(account)
    StrategyCandle.objects.create(strategy_id=other, time=TEN, close=7, seconds=1, partial=False, from_bars=False)
    StrategyCandle.objects.update(close=7)
    before = stored()
    recompute(strategy, "2026-01-30")
    assert stored() == before
    recompute(strategy, "2026-02-02")
    assert [candle for candle in stored() if candle[0] == other] == [candle for candle in before if candle[0] == other]
    assert stored(strategy) != before[:4]


def test_what_cannot_be_made_is_said(account: TradingAccount, strategy: Strategy) -> None:
    draft = Strategy.objects.get(pk=strategy_on(account, active=False))
    with pytest.raises(CommandError, match=f"neither active nor closed: {draft.pk}"):
        recompute(draft, "2026-02-02")
    with pytest.raises(CommandError, match="lies before"):
        recompute(strategy, "2026-02-02", "2026-02-01")

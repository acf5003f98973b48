"""What open legs of active strategies hold is what ingest is told to keep marks of."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from accounts.models import TradingAccount, User
from fo_analytics import held
from fo_analytics.models import Instrument
from fo_analytics.replay.recording import ContractKey
from fo_analytics.services.instruments import ensure_instruments
from strategies.models import Fill, Leg, Strategy
from strategies.services.legs import note_change
from tradingviz.core.redis import shared_client

ENTRY = datetime(2026, 2, 2, 5, 0, tzinfo=UTC)


@pytest.fixture
def instruments(db: None, redis_url: str) -> list[int]:
    """Three contracts."""
    keys = [ContractKey("NIFTY", "CE", date(2026, 2, 3), strike) for strike in (25_000.0, 25_100.0, 25_200.0)]
    tokens = ensure_instruments(keys=keys, seen_on=date(2026, 2, 2))
    return [Instrument.objects.get(token=tokens[key]).pk for key in keys]


def strategy_with(owner: User, *instruments: int, valuation: str, status: str = "active") -> list[Leg]:
    """Return the legs of a new strategy that bought a lot of each."""
    account, _ = TradingAccount.objects.get_or_create(owner=owner, name="first", broker="test")
    strategy = Strategy.objects.create(account=account, name="s", status=status, valuation=valuation)
    return [bought(strategy, instrument) for instrument in instruments]


def bought(strategy: Strategy, instrument: int) -> Leg:
    """Return a leg that bought a lot."""
    leg = Leg.objects.create(strategy=strategy, instrument_id=instrument, side="BUY", lot_size=65, open_lots=1)
    Fill.objects.create(leg=leg, direction="entry", lots=1, price=Decimal("100.05"), at=ENTRY)
    note_change(leg_id=leg.pk, since=ENTRY)
    return leg


def test_open_legs_of_active_strategies_are_held_at_their_valuation(owner: User, instruments: list[int]) -> None:
    first, second, third = instruments
    strategy_with(owner, first, second, valuation="last")
    strategy_with(owner, first, valuation="mid")
    strategy_with(owner, third, valuation="last", status="paused")
    assert held.held() == {first: held.Kinds.LAST | held.Kinds.MID, second: held.Kinds.LAST}


def test_what_was_sold_again_is_not_held(owner: User, instruments: list[int]) -> None:
    sold, kept = strategy_with(owner, *instruments[:2], valuation="mid")
    Fill.objects.create(leg=sold, direction="exit", lots=1, price=Decimal("101.00"), at=ENTRY)
    note_change(leg_id=sold.pk, since=ENTRY)
    assert held.held() == {kept.instrument_id: held.Kinds.MID}


def test_a_committed_change_is_noted_once_it_is_committed(
    owner: User, instruments: list[int], django_capture_on_commit_callbacks: pytest.FixtureRequest
) -> None:
    before = held.held_version(shared_client())
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        strategy_with(owner, instruments[0], valuation="last")
        assert held.held_version(shared_client()) == before
    assert held.held_version(shared_client()) == before + 1

"""Strategies of what an account holds."""

from datetime import datetime
from decimal import Decimal

import pytest

from accounts.models import TradingAccount
from accounts.selectors.positions import NetPosition
from fo_analytics.models import Instrument
from strategies import models
from strategies.models import Strategy
from strategies.services.from_positions import create_from_positions
from tests.integration.strategies.listed import LOT, NOW, ist
from tradingviz.core.errors import InvalidRequest


def token_of(symbol: str) -> int:
    """Return a contract's token."""
    return Instrument.objects.get(tradingsymbol=symbol).token


@pytest.fixture
def positions(account: TradingAccount) -> list[NetPosition]:
    """Two contracts held, and one that is flat."""
    call, put = token_of("NIFTY26020325700CE"), token_of("NIFTY26020325700PE")
    flat = NetPosition(token_of("NIFTY26FEBFUT"), "NRML", 0, Decimal(25_000))
    return [
        NetPosition(call, "NRML", -2 * LOT, Decimal("140.512345")),
        NetPosition(put, "NRML", 3 * LOT, Decimal("99.95")),
        flat,
    ]


def make(
    account: TradingAccount, positions: list[NetPosition], *tokens: int, now: datetime = NOW
) -> list[tuple[object, ...]]:
    """Make an active strategy of positions, all where no tokens are named; return its legs."""
    made = create_from_positions(
        account=account, positions=positions, tokens=tokens or None, activate=True, now=now, name="held",
        description="", tags=[], valuation="last",
    )  # fmt: skip
    fills = models.Fill.objects.filter(leg__strategy=made).order_by("pk")
    return list(fills.values_list("leg__instrument__token", "leg__side", "lots", "price", "at"))


def test_every_position_that_is_open_becomes_a_leg_at_its_average_price(
    account: TradingAccount, positions: list[NetPosition]
) -> None:
    assert make(account, positions) == [
        (positions[0].token, "SELL", 2, Decimal("140.5123"), NOW),
        (positions[1].token, "BUY", 3, Decimal("99.95"), NOW),
    ]
    assert Strategy.objects.get().status == "active"


def test_tokens_choose(account: TradingAccount, positions: list[NetPosition]) -> None:
    assert [leg[0] for leg in make(account, positions, positions[1].token)] == [positions[1].token]


def test_on_a_day_without_a_session_legs_are_entered_at_the_close_of_the_last_one(
    account: TradingAccount, positions: list[NetPosition]
) -> None:
    sunday = ist("2026-01-31 12:00:00")
    assert {leg[4] for leg in make(account, positions, now=sunday)} == {ist("2026-01-30 15:30:00")}


@pytest.mark.parametrize(
    ("position", "tokens", "problem"),
    [
        (NetPosition(100, "NRML", LOT + 1, Decimal(9)), (), "no whole lots"),
        (NetPosition(987, "NRML", LOT, Decimal(9)), (), "no instrument"),
        (NetPosition(100, "NRML", LOT, Decimal(9)), (100, 101), "no open position in 101"),
        (NetPosition(100, "NRML", 0, Decimal(9)), (), "0 open positions"),
    ],
)
def test_what_cannot_be_a_leg_is_named_and_nothing_is_made(
    account: TradingAccount, position: NetPosition, tokens: tuple[int, ...], problem: str
) -> None:
    with pytest.raises(InvalidRequest, match=problem) as refused:
        make(account, [position], *tokens)
    assert refused.value.field == "tokens"
    assert Strategy.objects.count() == 0

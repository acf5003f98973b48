"""What a strategy is worth, over REST: now, and as candles."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from fo_analytics.domain.calendar import IST, to_ms
from fo_analytics.ingest.service import IngestService
from fo_analytics.models import Instrument
from fo_analytics.services.ingest import make_ingest
from strategies.models import Strategy
from tests.api.asking import answer_of
from tests.api.strategy_clients import CALL, LATER, STRADDLE, Cast
from tests.api.strategy_clients import cast as cast
from tests.integration.ingest import pipeline
from tests.integration.ingest.test_hardiness import row
from tests.integration.strategies.passes import recalculate_all, remake_all
from tradingviz.core.cache import forget_all

TEN = datetime(2026, 2, 2, 10, 0, tzinfo=IST)
Tick = Callable[..., None]


def token(kind: str, strike: int = 25_700, expiry: str = "2026-02-03") -> int:
    """Return the token of an option."""
    return Instrument.objects.get(underlying__symbol="NIFTY", kind=kind, strike=strike, expiry=expiry).token


@pytest.fixture
def tick(cast: Cast) -> Iterator[Tick]:
    """Send last prices, a tick of each contract, so many seconds after ten; ingest takes them in."""
    service: list[IngestService] = []

    def send(seconds: float, **prices: float) -> None:
        ts = to_ms(TEN + timedelta(seconds=seconds))
        spot = Instrument.objects.get(underlying__symbol="NIFTY", kind="SPOT").token
        rows = [row(token(kind), ts, last=last, bid=last - 0.1, ask=last + 0.1) for kind, last in prices.items()]
        pipeline.send_rows([*rows, row(spot, ts, last=25_700.0, bid=0, ask=0, volume=0, oi=0)])
        service.append(pipeline.drain(service[-1] if service else make_ingest(shard=0)))

    yield send
    forget_all()


def money(*amounts: Any) -> list[Decimal | None]:
    """Return decimal text as decimals."""
    return [None if amount is None else Decimal(amount) for amount in amounts]


@pytest.mark.parametrize("status", ["active", "draft"])
def test_a_strategy_is_worth_what_its_open_legs_gained(cast: Cast, tick: Tick, status: str) -> None:
    made = cast.make(status=status)
    tick(0, CE=100.0, PE=150.5)
    found = cast.owner("GET", f"/strategies/{made['id']}/m2m").body
    # 2 lots of 65 sold: (140.50 - 100) and (120.25 - 150.50)
    assert money(found["value"], found["realised"], found["unrealised"]) == money("1332.50", "0", "1332.50")
    assert (found["partial"], found["reason"], found["status"]) == (False, None, status)
    assert found["ts_event"] == to_ms(TEN)
    legs = sorted(found["legs"].values(), key=lambda leg: leg["price"])
    assert [(leg["price"], leg["units"], leg["value"], leg["price_age_ms"]) for leg in legs] == [
        ("100.00", -130, "5265.00", 0),
        ("150.50", -130, "-3932.50", 0),
    ]


def test_net_greeks_are_those_of_the_chain_times_signed_units(cast: Cast, tick: Tick) -> None:
    made = cast.make(legs=[STRADDLE[0], {**STRADDLE[1], "lots": 1, "side": "BUY"}])
    tick(0, CE=100.0, PE=95.5)
    found = cast.owner("GET", f"/strategies/{made['id']}/m2m").body
    asked = {"underlying": "NIFTY", "expiry": "2026-02-03"}
    chain = answer_of(cast.owner.client.get("/fo/strike-distribution", asked)).chain
    (strike,) = [line for line in chain["strikes"] if line["strike"] == 25_700]
    for name, total in found["greeks"].items():
        assert total == pytest.approx(-130 * strike["call"][name] + 65 * strike["put"][name], rel=1e-9), name
    assert set(found["greeks"]) == {"delta", "gamma", "theta", "vega", "rho"}


def test_what_was_exited_is_realised_and_the_rest_is_not(cast: Cast, tick: Tick) -> None:
    made = cast.make(legs=[CALL | {"lots": 3, "price": "140.50"}])
    leg = made["legs"][0]["id"]
    done = cast.owner(
        "POST", f"/strategies/{made['id']}/instruments/{leg}/exits", {"lots": 1, "price": "130", "at": LATER}
    )
    assert done.status in (200, 201), done.body
    tick(3_600, CE=120.0, PE=90.0)
    found = cast.owner("GET", f"/strategies/{made['id']}/m2m").body
    # 65 x 10.50 by the exit, 130 x 20.50 open
    assert money(found["realised"], found["unrealised"], found["value"]) == money("682.50", "2665", "3347.50")


def test_without_a_price_there_is_no_value_and_the_leg_is_named(cast: Cast, tick: Tick) -> None:
    made = cast.make()
    tick(0, CE=100.0)
    found = cast.owner("GET", f"/strategies/{made['id']}/m2m").body
    assert (found["value"], found["unrealised"], found["reason"]) == (None, None, "no_price")
    assert found["partial"]
    assert sorted((leg["price"] or "none", leg["fresh"]) for leg in found["legs"].values()) == [
        ("100.00", True),
        ("none", False),
    ]


def test_an_old_price_is_used_and_told(cast: Cast, tick: Tick) -> None:
    made = cast.make()
    tick(0, CE=100.0, PE=150.5)
    tick(61, CE=110.0)
    found = cast.owner("GET", f"/strategies/{made['id']}/m2m").body
    # (140.50 - 110) + (120.25 - 150.50), 130 each
    assert (money(found["value"]), found["partial"]) == (money("32.50"), True)
    assert sorted((leg["price_age_ms"], leg["fresh"]) for leg in found["legs"].values()) == [(0, True), (61_000, False)]


def test_a_strategy_valued_at_the_mid_is_worth_the_mid(cast: Cast, tick: Tick) -> None:
    made = cast.make(legs=[CALL | {"lots": 2, "price": "140.50"}], valuation="mid")
    ts = to_ms(TEN)
    pipeline.send_rows([row(token("CE"), ts, last=90.0, bid=100.0, ask=101.5)])
    pipeline.drain()
    found = cast.owner("GET", f"/strategies/{made['id']}/m2m").body
    (leg,) = found["legs"].values()
    assert (leg["price"], leg["price_source"]) == ("100.75", "mid")
    assert money(found["value"]) == money("5167.50")


def test_those_it_is_shared_with_see_it_and_nobody_else_learns_that_it_is_there(cast: Cast, tick: Tick) -> None:
    made = cast.make()
    tick(0, CE=100.0, PE=150.5)
    for path in ("m2m", "m2m/timeseries"):
        assert cast.teammate("GET", f"/strategies/{made['id']}/{path}").status == 200
        refused = cast.stranger("GET", f"/strategies/{made['id']}/{path}")
        nothing = cast.stranger("GET", f"/strategies/{made['id'] + 1_000_000}/{path}")
        assert refused.status == nothing.status == 404
        assert refused.body == nothing.body


def test_candles_are_of_the_strategys_own_value(cast: Cast, tick: Tick) -> None:
    made = cast.make()
    # A leg's high and the other's low fall into different seconds: no sum of them is a value.
    for seconds, call, put in ((0, 100.0, 150.0), (10, 140.0, 120.0), (50, 90.0, 155.0), (70, 95.0, 150.0)):
        tick(seconds, CE=call, PE=put)
    recalculate_all()
    found = cast.owner("GET", f"/strategies/{made['id']}/m2m/timeseries").body
    worth = [130 * (Decimal("260.75") - Decimal(str(total))) for total in (250.0, 260.0, 245.0, 245.0)]
    minute = to_ms(TEN) // 1000
    assert found["time"] == [minute, minute + 60]
    columns = [money(*found[name]) for name in ("open", "high", "low", "close")]
    assert columns == [[worth[0], worth[3]], [worth[2], worth[3]], [worth[1], worth[3]], [worth[2], worth[3]]]
    assert (found["seconds"], found["from_bars"], found["partial"]) == ([3, 1], [False, False], [False, False])


def test_longer_candles_join_the_minutes_from_the_sessions_open_on(cast: Cast, tick: Tick) -> None:
    made = cast.make(legs=[CALL | {"lots": 1, "price": "100"}])
    for minutes, call in ((0, 101.0), (4, 90.0), (5, 120.0), (9, 99.0)):
        tick(60 * minutes, CE=call)
    recalculate_all()
    found = cast.owner("GET", f"/strategies/{made['id']}/m2m/timeseries?timeframe=5m").body
    minute = to_ms(TEN) // 1000
    assert found["time"] == [minute, minute + 300]
    assert [money(*found[name]) for name in ("open", "high", "low", "close")] == [
        money("-65", "-1300"), money("650", "65"), money("-65", "-1300"), money("650", "65"),
    ]  # fmt: skip
    day = cast.owner("GET", f"/strategies/{made['id']}/m2m/timeseries?timeframe=1d").body
    assert day["time"] == [to_ms(TEN.replace(hour=9, minute=15)) // 1000]
    assert [money(*day[name]) for name in ("open", "high", "low", "close")] == [
        money("-65"), money("650"), money("-1300"), money("65"),
    ]  # fmt: skip


def test_an_exit_of_before_changes_the_candles_since(cast: Cast, tick: Tick) -> None:
    made = cast.make(legs=[CALL | {"lots": 2, "price": "100"}])
    for minutes, call in ((0, 110.0), (2, 130.0)):
        tick(60 * minutes, CE=call)
    recalculate_all()
    remake_all()
    leg = made["legs"][0]["id"]
    path = f"/strategies/{made['id']}/m2m/timeseries"
    assert money(*cast.owner("GET", path).body["close"]) == money("-1300", "-3900")
    at = (TEN + timedelta(minutes=1)).isoformat()
    cast.owner("POST", f"/strategies/{made['id']}/instruments/{leg}/exits", {"lots": 1, "price": "110", "at": at})
    remake_all()
    found = cast.owner("GET", path).body
    # In the minute between nothing ticked: the exit alone is what happened.
    assert money(*found["close"]) == money("-1300", "-1300", "-2600")
    assert found["from_bars"] == [False, True, False]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ("timeframe=7m", "timeframe"),
        ("from=yesterday", "from"),
        ("from=1770000020&to=1770000010", "from"),
        ("colour=red", "colour"),
    ],
)
def test_what_makes_no_sense_is_refused_by_the_name_of_its_parameter(cast: Cast, asked: str, field: str) -> None:
    made = cast.make()
    answer = cast.owner("GET", f"/strategies/{made['id']}/m2m/timeseries?{asked}")
    assert set(answer.problem(400)) == {field}


def test_a_strategy_without_candles_has_empty_columns(cast: Cast) -> None:
    made = cast.make()
    found = cast.owner("GET", f"/strategies/{made['id']}/m2m/timeseries").body
    assert [found[name] for name in ("time", "open", "close")] == [[], [], []]
    assert Strategy.objects.get(pk=made["id"]).candles.count() == 0

"""What is answered when a spot, ticks, contracts or Redis are missing."""

from datetime import date

import pytest

from fo_analytics.models import Instrument, Underlying
from tests.api.asking import Asker
from tests.api.market import (
    EXPIRY,
    LAST,
    NEAR,
    SIGMA,
    SPOT,
    feed,
    forget_everything,
    ist,
    list_contracts,
    open_interest,
    open_market,
    snapshot,
)
from tradingviz.quickstart.redis import EmbeddedRedis

pytestmark = pytest.mark.usefixtures("empty")


def test_nothing_listed_at_all_is_an_unknown_underlying(ask: Asker) -> None:
    assert ask.chains().problem(400)["underlying"]["valid"] == []


@pytest.mark.parametrize("path", ["/fo/strike-distribution", "/fo/expiries"])
def test_an_underlying_of_which_nothing_is_known_is_not_available(ask: Asker, path: str) -> None:
    list_contracts()
    answer = ask(path, underlying="NIFTY")
    answer.problem(503)
    assert "NIFTY" in answer.body["detail"]


def test_past_the_last_listed_expiry_a_label_is_refused_with_the_reason(ask: Asker) -> None:
    feed([snapshot(LAST, expiries=(NEAR,))])
    forget_everything()
    problem = ask.chains(at=EXPIRY // 1000, expiry="NWeek+0").problem(400)
    assert "no expiry is listed after 2026-02-03 15:30:00 IST" in problem["expiry"]["message"]
    assert problem["expiry"]["valid"] == [NEAR.isoformat()]


def test_without_a_spot_the_exchanges_convention_has_no_volatility_and_ours_has(ask: Asker) -> None:
    feed([snapshot(LAST, spot=None)])
    for parameters in ({}, {"at": "2026-02-02T10:03"}):
        nse = ask.chains(convention="nse", **parameters).side(25_000.0, "call")
        exact = ask.chains(**parameters).side(25_000.0, "call")
        assert (nse["iv"], nse["iv_reason"], nse["delta"]) == (None, "no_spot", None)
        assert exact["iv"] == pytest.approx(SIGMA, abs=1e-3)


def test_a_spot_that_parity_contradicts_is_used_for_nothing(ask: Asker) -> None:
    ts, ticks = snapshot(LAST)
    wrong = [tick if tick.key.kind != "SPOT" else type(tick)(tick.key, ts, last=SPOT * 1.05) for tick in ticks]
    feed([(ts, wrong)])
    nse = ask.chains(convention="nse")
    assert (nse.chain["spot_contradicts_parity"], nse.chain["spot_used"]) == (True, False)
    assert nse.side(25_000.0, "call")["iv_reason"] == "no_spot"
    assert ask.chains().chain["forward_source"] == "parity"


def test_a_stock_of_another_exchange_has_its_own_expiries(ask: Asker) -> None:
    feed([snapshot(LAST)])
    other = Underlying.objects.create(symbol="SENSEX", exchange="BSE")
    Instrument.objects.create(
        token=1,
        underlying=other,
        kind="CE",
        tradingsymbol="X",
        expiry=date(2026, 2, 26),
        strike=80_000,
        lot_size=20,
    )
    forget_everything()
    rows = ask("/fo/expiries", underlying="BSE:SENSEX", at="2026-02-02T10:00").body["expiries"]
    assert [(row["expiry"], row["kinds"]) for row in rows] == [("2026-02-26", ["monthly"])]
    assert ask.chains().chain["expiry"] == NEAR.isoformat()


def test_with_redis_stopped_the_newest_bars_answer(own_redis: EmbeddedRedis, ask: Asker) -> None:
    open_market()
    live = ask.chains().chain
    own_redis.stop()
    stored = ask.chains()
    assert (live["source"], stored.chain["source"]) == ("live", "bars")
    assert stored.body["ts_event"] == ist("2026-02-02 10:03:00")
    for strike in stored.strikes:
        cell = stored.side(strike, "call")
        assert cell["oi"] == open_interest((NEAR, "CE", strike))
        assert cell["last_ts"] == LAST

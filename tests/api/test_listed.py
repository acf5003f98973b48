"""The ladder of a chain: the strikes that were listed on its day, with the terms of that day, live and in the past."""

from datetime import date
from typing import Any

import pytest

from fo_analytics.models import ChainMetric, Instrument, SupersededTerms
from fo_analytics.replay.player import play
from fo_analytics.replay.recording import ContractKey
from fo_analytics.services.instruments import ensure_instruments
from streaming.ticker.stream import TickProducer, TickStreams
from tests.api.asking import Asker
from tests.api.market import (
    FAR,
    LAST,
    NEAR,
    STRIKES,
    feed,
    forget_everything,
    ist,
    list_contracts,
    snapshot,
    take_in,
)
from tradingviz.core.redis import sync_client

pytestmark = pytest.mark.usefixtures("empty")

SUNDAY, MONDAY, TUESDAY = date(2026, 2, 1), date(2026, 2, 2), date(2026, 2, 3)
WITHDRAWN, LATER = 24_900.0, 25_050.0
TRADED = [strike for strike in STRIKES if strike != WITHDRAWN]
ON_MONDAY = "2026-02-02T10:03"


def tokens(keys: list[ContractKey], day: date) -> dict[ContractKey, int]:
    """Return the tokens of contracts that are seen on a day."""
    return ensure_instruments(keys=keys, seen_on=day)


def open_changing_market() -> None:
    """Trade Monday: one strike was withdrawn on Sunday, another one is listed from Tuesday on."""
    list_contracts()
    tokens([ContractKey("NIFTY", kind, NEAR, LATER) for kind in ("CE", "PE")], TUESDAY)
    Instrument.objects.filter(strike=str(WITHDRAWN)).update(valid_to=SUNDAY)
    feed([snapshot(LAST, strikes=TRADED)])
    forget_everything()


@pytest.mark.parametrize("asked", [{}, {"at": ON_MONDAY}], ids=["live", "past"])
def test_only_strikes_that_were_listed_on_the_day_are_rungs(ask: Asker, asked: dict[str, Any]) -> None:
    open_changing_market()
    answer = ask.chains(**asked)
    assert answer.strikes == TRADED
    rungs = {row["strike"]: row["call"]["moneyness"] for row in answer.chain["strikes"]}
    assert (rungs[24_800.0], rungs[25_000.0], rungs[25_100.0]) == ("ITM1", "ATM", "OTM1")


def test_a_strike_is_a_rung_from_its_first_day_to_its_last(ask: Asker) -> None:
    open_changing_market()
    assert ask.chains(at="2026-02-01T12:00").strikes == list(STRIKES)
    assert ask.chains(at="2026-02-03T09:30").strikes == sorted([*TRADED, LATER])


def test_an_expired_chain_has_the_rungs_of_its_last_day(ask: Asker) -> None:
    open_changing_market()
    assert ask.chains(at="2026-02-05T12:00", expiry=NEAR.isoformat()).strikes == sorted([*TRADED, LATER])


@pytest.mark.parametrize("asked", [{}, {"at": ON_MONDAY}], ids=["live", "past"])
def test_the_tick_size_is_that_of_the_day(ask: Asker, asked: dict[str, Any]) -> None:
    list_contracts()
    contract = Instrument.objects.get(kind="CE", expiry=NEAR, strike="25100")
    for last, tick in ((SUNDAY, "0.01"), (MONDAY, "0.10"), (date(2026, 2, 20), "0.25")):
        SupersededTerms.objects.create(instrument=contract, valid_to=last, lot_size=65, tick_size=tick)
    feed([snapshot(LAST)])
    answer = ask.chains(**asked)
    ticks = {row["strike"]: row["call"]["tick_size"] for row in answer.chain["strikes"]}
    assert ticks == dict.fromkeys(STRIKES, 0.05) | {25_100.0: 0.10}


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("strike-distribution", {"expiry": FAR.isoformat()}),
        ("smile", {"expiry": FAR.isoformat()}),
        ("depth", {"expiry": FAR.isoformat()}),
        ("exposure", {"expiry": FAR.isoformat()}),
        ("oi-change", {"expiry": FAR.isoformat()}),
        ("term-structure", {}),
        ("surface", {}),
    ],
)
def test_an_expiry_withdrawn_as_a_whole_is_empty_and_no_error(ask: Asker, path: str, more: dict[str, Any]) -> None:
    list_contracts()
    feed([snapshot(LAST, expiries=(NEAR,))])
    Instrument.objects.filter(expiry=FAR).update(valid_to=SUNDAY)
    forget_everything()
    answer = ask(f"/fo/{path}", underlying="NIFTY", at=ON_MONDAY, **more)
    assert answer.status == 200
    if path == "strike-distribution":
        assert (answer.strikes, answer.chain["atm_strike"], answer.chain["call_oi"]) == ([], None, None)


def test_a_day_replayed_after_a_later_one_is_whole(ask: Asker) -> None:
    """What was seen on Tuesday first was listed on Monday, if it is seen to trade on Monday then."""
    service = feed([snapshot(ist("2026-02-03 10:00:30"))])
    for _ in play([snapshot(LAST), snapshot(LAST + 60_000)], TickStreams(sync_client(), shards=1), tokens, speed=None):
        pass
    take_in(service, TickProducer(sync_client()))
    forget_everything()
    assert ask.chains(at=ON_MONDAY).strikes == list(STRIKES)
    measured = ChainMetric.objects.filter(time__date=MONDAY).values_list("expiry", flat=True)
    assert set(measured) == {NEAR, FAR}

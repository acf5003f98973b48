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
    SILENT,
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


def withdraw_far() -> None:
    """Trade Monday's near expiry; the far one was withdrawn as a whole after Sunday."""
    list_contracts()
    feed([snapshot(LAST, expiries=(NEAR,))])
    Instrument.objects.filter(expiry=FAR).update(valid_to=SUNDAY)
    forget_everything()


def test_an_expiry_withdrawn_as_a_whole_is_none_any_more_and_was_one_until_then(ask: Asker) -> None:
    withdraw_far()
    for at, others in (("2026-02-01T12:00", {NEAR, FAR, SILENT}), (ON_MONDAY, {NEAR, SILENT})):
        listed = ask("/fo/expiries", underlying="NIFTY", at=at).body["expiries"]
        assert {one["expiry"] for one in listed} == {str(expiry) for expiry in others}
        assert [one["labels"][0] for one in listed] == [f"NWeek+{n}" for n in range(len(others))]


@pytest.mark.parametrize("path", ["strike-distribution", "smile", "depth", "exposure", "oi-change"])
def test_who_asks_for_it_is_told_of_those_there_are(ask: Asker, path: str) -> None:
    withdraw_far()
    errors = ask(f"/fo/{path}", underlying="NIFTY", at=ON_MONDAY, expiry=FAR.isoformat()).problem(400)
    assert FAR.isoformat() not in errors["expiry"]["valid"]
    assert NEAR.isoformat() in errors["expiry"]["valid"]


@pytest.mark.parametrize("path", ["term-structure", "surface"])
def test_overviews_go_without_it(ask: Asker, path: str) -> None:
    withdraw_far()
    answer = ask(f"/fo/{path}", underlying="NIFTY", at=ON_MONDAY)
    assert answer.status == 200
    assert FAR.isoformat() not in str(answer.body)


def test_what_has_expired_is_known_from_the_day_it_was_delisted_on(ask: Asker) -> None:
    open_changing_market()
    Instrument.objects.filter(expiry=NEAR).update(valid_to=NEAR)
    forget_everything()
    assert ask.chains(at="2026-02-05T12:00", expiry=NEAR.isoformat()).chain["expired"]


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

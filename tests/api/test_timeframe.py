"""`timeframe=` of /fo/strike-distribution: chains at the close of the last closed bucket, with its volume."""

from collections.abc import Iterator

import pytest
from django.test import override_settings

from tests.api.asking import Answer, Asker
from tests.api.market import FIRST, LAST, NEAR, STRIKES, UNSEEN, Contract, fair_price, forget_everything, ist, traded
from tradingviz.core.redis import sync_client

pytestmark = pytest.mark.usefixtures("market")

NAMES = {"1m": ("1m", "1min", "1"), "1h": ("1h", "1hour", "60"), "1d": ("1d", "1day", "1D")}
SIDES = {"call": "CE", "put": "PE"}
SECOND = FIRST + 60_000


def volumes(answer: Answer) -> Iterator[tuple[Contract, int | None]]:
    """Give the volume of every contract of a whole chain."""
    for row in answer.chain["strikes"]:
        for side, kind in SIDES.items():
            yield (NEAR, kind, row["strike"]), row[side]["volume"]


@pytest.mark.parametrize(
    ("timeframe", "at", "opens", "closes"),
    [
        ("1m", "2026-02-02T10:01:59", "2026-02-02 10:00", "2026-02-02 10:01"),
        ("1m", "2026-02-02T10:02:00", "2026-02-02 10:01", "2026-02-02 10:02"),
        ("5m", "2026-02-02T10:07:59", "2026-02-02 10:00", "2026-02-02 10:05"),
        ("15m", "2026-02-02T10:29:59", "2026-02-02 10:00", "2026-02-02 10:15"),
        ("30m", "2026-02-02T10:30", "2026-02-02 09:45", "2026-02-02 10:15"),
        ("1h", "2026-02-02T10:30", "2026-02-02 09:15", "2026-02-02 10:15"),
        ("1h", "2026-02-02T15:31", "2026-02-02 15:15", "2026-02-02 15:30"),
        ("1d", "2026-02-02T15:30", "2026-02-02 09:15", "2026-02-02 15:30"),
        ("1d", "2026-02-03T15:29", "2026-02-02 09:15", "2026-02-02 15:30"),
        ("5m", "2026-02-03T09:19", "2026-02-02 15:25", "2026-02-02 15:30"),
    ],
)
def test_an_instant_stands_for_the_last_bucket_that_had_closed_by_then(
    ask: Asker, timeframe: str, at: str, opens: str, closes: str
) -> None:
    body = ask.chains(timeframe=timeframe, at=at, expiry=str(NEAR)).body
    assert (body["timeframe"], body["time"] * 1000) == (timeframe, ist(f"{opens}:00"))
    assert body["ts_event"] == body["chains"][0]["ts_event"] == ist(f"{closes}:00")


def test_the_volume_is_what_was_traded_in_the_bucket(ask: Asker) -> None:
    for timeframe, at, before, after in (
        ("1m", "10:02:40", FIRST, SECOND),
        ("1m", "10:03", SECOND, LAST),
        ("5m", "10:06", None, LAST),
        ("1m", "10:05", LAST, LAST),
    ):
        for contract, volume in volumes(ask.chains(timeframe=timeframe, at=f"2026-02-02T{at}")):
            bucket = traded(contract, after) - (traded(contract, before) if before else 0)
            assert volume == (None if contract == UNSEEN else bucket), (timeframe, at, contract)


def test_the_totals_and_the_ratio_of_volumes_are_of_the_bucket_too(ask: Asker) -> None:
    chain = ask.chains(timeframe="1m", at="2026-02-02T10:02:40", levels=0).chain
    seen = [(NEAR, kind, strike) for kind in ("CE", "PE") for strike in STRIKES]
    gained = {one: traded(one, SECOND) - traded(one, FIRST) for one in seen if one != UNSEEN}
    calls, puts = (sum(value for one, value in gained.items() if one[1] == kind) for kind in ("CE", "PE"))
    assert (chain["call_volume"], chain["put_volume"]) == (calls, puts)
    assert chain["pcr_volume"] == pytest.approx(puts / calls)


def test_every_other_number_is_that_of_the_close_of_the_bucket(ask: Asker) -> None:
    bucket, close = ask.chains(timeframe="1m", at="2026-02-02T10:02:59").chain, ask.chains(at="2026-02-02T10:02").chain
    for chain in (bucket, close):
        for name in ("call_volume", "put_volume", "pcr_volume"):
            chain.pop(name)
        for row in chain["strikes"]:
            for side in SIDES:
                row[side].pop("volume")
    assert bucket == close
    assert bucket["strikes"][6]["call"]["last"] == pytest.approx(fair_price((NEAR, "CE", STRIKES[6]), SECOND))


@pytest.mark.parametrize("timeframe", NAMES)
def test_aliases_mean_the_same_bucket(ask: Asker, timeframe: str) -> None:
    answers = [ask.chains(timeframe=name, at="2026-02-03T10:02").body for name in NAMES[timeframe]]
    assert answers == answers[:1] * 3


def test_without_an_instant_it_is_the_last_bucket_closed_by_the_newest_tick(ask: Asker) -> None:
    live = ask.chains(timeframe="1m")
    assert live.body == ask.chains(timeframe="1m", at="2026-02-02T10:02").body
    assert live.chain["source"] == "bars"


def test_without_a_timeframe_no_bucket_is_named_and_volumes_are_of_the_day(ask: Asker) -> None:
    answer = ask.chains(at="2026-02-02T10:03")
    assert (answer.body["timeframe"], answer.body["time"]) == (None, None)
    assert dict(volumes(answer))[NEAR, "CE", 25_000.0] == traded((NEAR, "CE", 25_000.0), LAST)


@pytest.mark.parametrize("timeframe", ["2m", "10", "1M", "1D1", "day", ""])
def test_a_timeframe_that_is_none_is_refused(ask: Asker, timeframe: str) -> None:
    assert set(ask.chains(timeframe=timeframe).problem(400)) == {"timeframe"}


def test_before_the_first_known_session_no_bucket_had_closed(ask: Asker) -> None:
    assert set(ask.chains(timeframe="1d", at="2001-01-01").problem(400)) == {"at"}


@pytest.mark.parametrize(
    ("timeframe", "name"),
    [
        ("1m", "CACHE_TTL_1M"),
        ("5m", "CACHE_TTL_5M"),
        ("15m", "CACHE_TTL_5M"),
        ("30m", "CACHE_TTL_1H"),
        ("1h", "CACHE_TTL_1H"),
        ("1d", "CACHE_TTL_1D"),
    ],
)
def test_an_answer_is_kept_as_long_as_its_timeframe_is(ask: Asker, timeframe: str, name: str) -> None:
    forget_everything()
    for key in sync_client().scan_iter("cache:*"):
        sync_client().delete(key)
    with override_settings(**{name: 1_234}):
        for _ in range(2):  # Redis has it from the second time on
            ask.chains(timeframe=timeframe, at="2026-02-03T10:02", expiry=str(NEAR))
    (key,) = sync_client().scan_iter("cache:*")
    assert 1_200_000 < sync_client().pttl(key) <= 1_234_000


def test_all_instants_of_a_bucket_share_one_kept_answer(ask: Asker) -> None:
    first = ask.chains(timeframe="5m", at="2026-02-02T10:05:01")
    again = ask.chains(timeframe="5m", at="2026-02-02T10:09:59")
    assert float(first.headers["Server-Timing"].split("compute;dur=")[1]) > 0
    assert again.headers["Server-Timing"].endswith("compute;dur=0.0")
    assert again.body == first.body

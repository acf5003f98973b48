"""/fo/straddle-series: the straddle at the money, and that of one strike."""

import math
from datetime import datetime
from typing import Any

import pandas as pd
import pytest
from pytest_django import DjangoAssertNumQueries

from fo_analytics.domain.calendar import IST, ist_date
from fo_analytics.models import Instrument
from tests.api import stored
from tests.api.asking import Asker, Json

pytestmark = pytest.mark.usefixtures("stored_market")
PATH = "/fo/straddle-series"
WHOLE = {"from": "2026-07-31", "to": "2026-08-05"}
FIRST, LAST = datetime(2026, 7, 31, tzinfo=IST), datetime(2026, 8, 6, tzinfo=IST)


def straddle(ask: Asker, **parameters: Any) -> Json:
    answer = ask(PATH, **{"underlying": "NIFTY", **parameters})
    assert answer.status == 200, answer.body
    return answer.body


def plain_mark(bid: float, ask: float, last: float) -> float:
    """Return the mark by the words of the rule, NaN where there is none; the tick is 0.05."""
    if bid == bid and ask == ask and ask >= bid and (ask - bid < 0.2 * (bid + ask) / 2 or ask - bid <= 0.1 + 1e-12):
        return (bid + ask) / 2
    if bid == bid and ask == ask and bid > ask:
        return last
    if bid == bid and last < bid:
        return bid
    return ask if ask == ask and last > ask else last


def premiums(strike: int) -> pd.Series:
    """Return what both marks of a strike of the later expiry came to, minute by minute, where both are known."""
    sides = []
    for kind in ("CE", "PE"):
        contract = Instrument.objects.get(kind=kind, expiry=stored.NEXT, strike=strike)
        rows = contract.bars.order_by("time").values_list("time", "bid", "ask", "close")
        bars = pd.DataFrame(rows, columns=["time", "bid", "ask", "close"]).astype(
            {"bid": float, "ask": float, "close": float}
        )
        marks = [plain_mark(*row) for row in bars[["bid", "ask", "close"]].itertuples(index=False)]
        sides.append(pd.Series(marks, index=pd.DatetimeIndex(bars["time"])))
    return (sides[0] + sides[1]).dropna()


@pytest.mark.parametrize("timeframe", list(stored.MINUTES))
def test_at_the_money_it_is_what_the_chain_measured(ask: Asker, timeframe: str) -> None:
    body = straddle(ask, timeframe=timeframe, **WHOLE)
    rows = stored.metric_rows("NWeek+0", timeframe, FIRST, LAST).sort_index()
    assert (body["mode"], body["ohlc"]) == ("atm", None)
    assert body["time"] == stored.seconds(rows.index)
    assert body["premium"] == stored.clean(rows["straddle"])
    assert body["strike"] == stored.clean(rows["atm_strike"])
    assert body["forward"] == stored.clean(rows["forward"])


def test_the_expected_moves_are_their_formulas_to_the_expiry_that_was_meant(ask: Asker) -> None:
    body = straddle(ask, timeframe="5m", **WHOLE)
    rows = stored.metric_rows("NWeek+0", "5m", FIRST, LAST).sort_index()
    simple = [None if pd.isna(each) else pytest.approx(0.85 * each, rel=1e-12) for each in rows["straddle"]]
    assert body["expected_move"] == simple
    expires = pd.Series([stored.known_calendar().expires_at(day) for day in rows["expiry"]], index=rows.index)
    # At the minute's last millisecond, and for at least a second: the last minute before the expiry has one, too.
    left = (expires - rows["time"] - pd.Timedelta(milliseconds=59_999)).dt.total_seconds()
    exact = rows["forward"] * rows["atm_iv"] * (left.where(left > 0).clip(lower=1.0) / (365 * 86_400)).map(math.sqrt)
    assert body["expected_move_iv"] == [None if pd.isna(each) else pytest.approx(each, rel=1e-12) for each in exact]
    assert sum(each is not None for each in body["expected_move_iv"]) > 50


@pytest.mark.parametrize("timeframe", list(stored.MINUTES))
def test_of_a_strike_it_is_both_marks_sampled_once_a_minute(ask: Asker, timeframe: str) -> None:
    body = straddle(ask, timeframe=timeframe, strike=25_000, expiry="2026-08-11", **WHOLE)
    minutes = premiums(25_000)
    opens = {session.date: pd.Timestamp(session.opens_at) for session in stored.sessions()}
    anchors = pd.DatetimeIndex([opens[ist_date(at)] for at in minutes.index])
    width = pd.Timedelta(minutes=stored.MINUTES[timeframe])
    buckets = minutes.groupby(anchors + (minutes.index - anchors) // width * width)
    expected = buckets.agg(["first", "max", "min", "last", "count"])
    assert (body["mode"], body["ohlc"]) == ("strike", "minute_marks")
    assert body["time"] == stored.seconds(expected.index)
    assert len(body["time"]) >= 4
    for name, column in {"open": "first", "high": "max", "low": "min", "premium": "last", "minutes": "count"}.items():
        assert body[name] == expected[column].tolist(), name
    assert set(body["strike"]) == {25_000.0}


def test_a_bucket_that_opens_in_the_range_counts_as_a_whole(ask: Asker) -> None:
    asked = {"timeframe": "1h", "strike": 25_000, "expiry": "2026-08-11"}
    day = straddle(ask, **asked, **{"from": "2026-08-05", "to": "2026-08-05"})
    part = straddle(ask, **asked, **{"from": "2026-08-05T10:00", "to": "2026-08-05T12:20"})
    assert part["time"] == day["time"][1:4]
    assert [part[name] for name in ("high", "minutes")] == [day[name][1:4] for name in ("high", "minutes")]


def test_a_strike_of_which_only_one_side_is_listed_has_no_straddle(ask: Asker) -> None:
    problem = ask(PATH, underlying="NIFTY", strike=stored.ONE_SIDED, expiry="2026-08-11").problem(400)
    assert "no put" in problem["strike"]["message"]


def test_a_strike_that_is_not_listed_is_refused(ask: Asker) -> None:
    problem = ask(PATH, underlying="NIFTY", strike=25_050, expiry="2026-08-11").problem(400)
    assert "25000.00" in problem["strike"]["valid"]


def test_over_a_weekend_there_is_nothing(ask: Asker) -> None:
    span = {"from": "2026-08-01", "to": "2026-08-02", "expiry": "2026-08-11"}
    assert straddle(ask, **span)["time"] == straddle(ask, strike=25_000, **span)["time"] == []


def test_a_range_of_more_than_92_days_is_capped_in_every_timeframe(ask: Asker) -> None:
    body = straddle(ask, timeframe="1d", **{"from": "2026-01-01", "to": "2026-08-05"})
    assert (body["capped"], body["to"] - body["from"]) == (True, 92 * 86_400)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("strike", "25000'"), ("strike", "1e500"), ("strike", "\x00"), ("expiry", "NWeek+5"), ("timeframe", "1s"),
        ("option_side", "call"), ("from", "2026-02-30"),
    ],
)  # fmt: skip
def test_junk_is_refused_by_the_name_of_its_parameter(ask: Asker, name: str, value: str) -> None:
    assert set(ask(PATH, **{"underlying": "NIFTY", name: value}).problem(400)) == {name}


@pytest.mark.parametrize(("strike", "queries"), [({}, 1), ({"strike": "25000"}, 2)])
@pytest.mark.parametrize("timeframe", ["1m", "1d"])
@pytest.mark.usefixtures("nothing_kept")
def test_the_number_of_queries_does_not_depend_on_the_range(
    ask: Asker, strike: Json, queries: int, timeframe: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    asked = {"timeframe": timeframe, "expiry": "2026-08-11", **strike}
    straddle(ask, **asked, **{"from": "2026-08-03", "to": "2026-08-04"})  # reference data is remembered
    for first in ("2026-07-31T10:00", "2026-08-05"):
        with django_assert_num_queries(queries):
            straddle(ask, **asked, **{"from": first, "to": "2026-08-05"})

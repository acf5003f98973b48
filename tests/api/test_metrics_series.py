"""/fo/metrics-series: measures of a chain over time, of a date or of a label that rolls over."""

from datetime import datetime
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from fo_analytics.domain.calendar import IST
from tests.api import stored
from tests.api.asking import Asker, Json

pytestmark = pytest.mark.usefixtures("stored_market")
PATH = "/fo/metrics-series"
ALL = [
    "spot", "forward", "atm_strike", "atm_iv", "straddle", "call_oi", "put_oi", "call_volume", "put_volume", "pcr_oi",
    "pcr_volume", "max_pain",
]  # fmt: skip
WHOLE = {"from": "2026-07-31", "to": "2026-08-05"}


def metrics(ask: Asker, **parameters: Any) -> Json:
    answer = ask(PATH, **{"underlying": "NIFTY", **parameters})
    assert answer.status == 200, answer.body
    return answer.body


def ist(*clock: int) -> datetime:
    return datetime(*clock, tzinfo=IST)  # type: ignore[arg-type,misc]  # year, month, day, …


@pytest.mark.parametrize("timeframe", list(stored.MINUTES))
@pytest.mark.parametrize("expiry", ["NWeek+0", "NWeek+1", "2026-08-11", "2026-08-04"])
def test_every_bucket_has_the_numbers_of_its_newest_minute(ask: Asker, expiry: str, timeframe: str) -> None:
    if expiry == "NWeek+1":  # beyond Tuesday there is no second expiry
        span, first, last = {"from": "2026-07-31", "to": "2026-08-04T15:30"}, ist(2026, 7, 31), ist(2026, 8, 4, 15, 30)
    else:
        span, first, last = WHOLE, ist(2026, 7, 31), ist(2026, 8, 6)
    body = metrics(ask, expiry=expiry, timeframe=timeframe, **span)
    rows = stored.metric_rows(expiry, timeframe, first, last).sort_index()
    assert len(rows) >= 3
    assert body["time"] == stored.seconds(rows.index)
    assert list(body["metrics"]) == ALL
    for name in ALL:
        assert body["metrics"][name] == stored.clean(rows[name]), name


def test_a_label_rolls_over_at_the_expiry_instant(ask: Asker) -> None:
    body = metrics(ask, expiry="NWeek+0", **WHOLE)
    turn = int(ist(2026, 8, 4, 15, 30).timestamp())
    assert body["expiries"] == [
        {"expiry": "2026-08-04", "from": int(ist(2026, 7, 31, 9, 15).timestamp()), "to": turn},
        {"expiry": "2026-08-11", "from": turn, "to": int(ist(2026, 8, 5, 15, 40).timestamp())},
    ]


def test_a_split_session_is_counted_from_its_first_open(ask: Asker) -> None:
    day = {"from": "2021-02-24", "to": "2021-02-24"}
    body = metrics(ask, expiry="2021-02-25", timeframe="1h", metric="max_pain", **day)
    clock = [datetime.fromtimestamp(at, IST).strftime("%H:%M") for at in body["time"]]
    assert clock == ["09:15", "10:15", "11:15", "15:15", "16:15"]
    rows = stored.metric_rows("2021-02-25", "1h", ist(2021, 2, 24), ist(2021, 2, 25)).sort_index()
    assert body["metrics"] == {"max_pain": stored.clean(rows["max_pain"])}


@pytest.mark.parametrize("asked", ["max_pain,spot,pcr", ["max_pain", "spot,pcr_oi"], " max_pain , spot,pcr,,pcr_oi"])
def test_metrics_come_in_the_order_asked_for_each_once(ask: Asker, asked: Any) -> None:
    assert list(metrics(ask, metric=asked)["metrics"]) == ["max_pain", "spot", "pcr_oi"]


def test_where_there_was_no_session_there_is_nothing(ask: Asker) -> None:
    body = metrics(ask, expiry="2026-08-11", metric="spot", **{"from": "2026-08-01", "to": "2026-08-02"})
    assert (body["time"], body["metrics"], body["expiries"]) == ([], {"spot": []}, [])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("metric", "iv"), ("metric", "junk"), ("metric", ","), ("metric", "spot;drop table chain_metric"),
        ("metric", "spot, 1 FROM bar --"), ("metric", "\x00"), ("metric", "spot," * 20), ("expiry", "NWeek+9"),
        ("expiry", "2026-08-05"), ("expiry", "\x00"), ("timeframe", "3m"), ("from", "-1"), ("to", "9" * 40),
        ("moneyness", "ATM"), ("underlying", "NOBODY"),
    ],
)  # fmt: skip
def test_junk_is_refused_by_the_name_of_its_parameter(ask: Asker, name: str, value: str) -> None:
    assert set(ask(PATH, **{"underlying": "NIFTY", name: value}).problem(400)) == {name}


@pytest.mark.parametrize("timeframe", ["1m", "1h"])
@pytest.mark.usefixtures("nothing_kept")
def test_one_query_serves_any_number_of_days_and_expiries(
    ask: Asker, timeframe: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    metrics(ask, timeframe=timeframe, metric="spot", **WHOLE)  # reference data is remembered, the next answers are not
    for span in (WHOLE, {"from": "2026-08-05T10:00", "to": "2026-08-05T11:00"}):
        with django_assert_num_queries(1):
            assert metrics(ask, timeframe=timeframe, metric="forward,max_pain", **span)["time"]

"""/fo/strike-history: the bars of a strike."""

from datetime import date, datetime
from typing import Any

import pandas as pd
import pytest
from pytest_django import DjangoAssertNumQueries

from fo_analytics.domain.calendar import IST
from fo_analytics.models import Bar, Instrument
from tests.api import stored
from tests.api.asking import Asker, Json
from tests.integration.ingest import recomputed

pytestmark = pytest.mark.usefixtures("stored_market")
PATH = "/fo/strike-history"
NAMES = [
    "time", "open", "high", "low", "close", "volume", "oi", "iv", "iv_reason", "delta", "gamma", "theta", "vega", "rho",
    "bid", "ask", "flags",
]  # fmt: skip
WHOLE = {"from": "2026-07-31", "to": "2026-08-05"}


def history(ask: Asker, **parameters: Any) -> Json:
    answer = ask(PATH, **{"underlying": "NIFTY", "strike": 25000, "expiry": "2026-08-11", **parameters})
    assert answer.status == 200, answer.body
    return answer.body


def expected(timeframe: str, kind: str, expiry: date, first: datetime, last: datetime) -> pd.DataFrame:
    """Return the bars of the 25,000 of a side, from the stored minutes by pandas."""
    contract = Instrument.objects.get(kind=kind, expiry=expiry, strike=25_000)
    if timeframe == "1m":
        columns = ["time", *NAMES[1:]]
        rows = pd.DataFrame(contract.bars.order_by("time").values_list(*columns), columns=columns)
    else:
        every = recomputed.recomputed(timeframe).reset_index()
        rows = every[every["instrument_id"] == contract.pk].sort_values("time")
    return rows[(rows["time"] >= first) & (rows["time"] < last)]


@pytest.mark.parametrize("timeframe", list(stored.MINUTES))
@pytest.mark.parametrize(("side", "kind"), [("call", "CE"), ("put", "PE")])
def test_bars_over_a_weekend_are_what_pandas_makes_of_the_minutes(
    ask: Asker, timeframe: str, side: str, kind: str
) -> None:
    body = history(ask, timeframe=timeframe, option_side=side, **WHOLE)
    first, last = (datetime.fromisoformat(f"2026-{day}").replace(tzinfo=IST) for day in ("07-31", "08-06"))
    rows = expected(timeframe, kind, stored.NEXT, first, last)
    assert len(rows) > (0 if timeframe == "1d" else 20)
    assert list(body[side]) == NAMES
    assert body[side]["time"] == stored.seconds(rows["time"])
    assert body[side]["iv_reason"] == [stored.IV_REASONS[code] for code in rows["iv_reason"]]
    for name in [name for name in NAMES[1:-1] if name != "iv_reason"]:
        assert body[side][name] == stored.clean(rows[name]), name
    assert {"call", "put"} & set(body) == {side}


@pytest.mark.parametrize("timeframe", ["5m", "1h", "1d"])
def test_a_split_session_has_its_buckets_from_its_first_open(ask: Asker, timeframe: str) -> None:
    body = history(ask, expiry="2021-02-25", timeframe=timeframe, **{"from": "2021-02-24", "to": "2021-02-24"})
    first, last = (datetime(2021, 2, day, tzinfo=IST) for day in (24, 25))
    rows = expected(timeframe, "CE", stored.OLD, first, last)
    assert body["call"]["time"] == stored.seconds(rows["time"])
    if timeframe == "1h":
        clock = [datetime.fromtimestamp(at, IST).strftime("%H:%M") for at in body["call"]["time"]]
        assert clock == ["09:15", "10:15", "11:15", "15:15", "16:15"]


def test_times_are_unix_seconds_of_the_open_daily_ones_too(ask: Asker) -> None:
    times = history(ask, timeframe="1d", **WHOLE)["call"]["time"]
    opens = [
        datetime(2026, 7, 31, 9, 15, tzinfo=IST),
        *(datetime(2026, 8, day, 9, 15, tzinfo=IST) for day in (3, 4, 5)),
    ]
    assert times == [int(at.timestamp()) for at in opens]


def test_flags_are_names(ask: Asker) -> None:
    contract = Instrument.objects.get(kind="CE", expiry=stored.NEXT, strike=25_000)
    last = contract.bars.order_by("-time").first()
    assert last is not None
    Bar.objects.filter(pk=last.pk).update(flags=1)
    flags = history(ask, option_side="call", **{"from": "2026-08-05T12:34"})["call"]["flags"]
    Bar.objects.filter(pk=last.pk).update(flags=0)
    assert flags == [[]] * (len(flags) - 1) + [["catch_up"]]


def test_by_default_it_is_the_last_session_with_data(ask: Asker) -> None:
    body = history(ask)
    opens, closes = (datetime(2026, 8, 5, *clock, tzinfo=IST) for clock in ((9, 15), (15, 40)))
    assert (body["from"], body["to"]) == (int(opens.timestamp()), int(closes.timestamp()))
    assert (body["timeframe"], body["capped"]) == ("1m", False)
    assert body["from"] <= min(body["call"]["time"]) < max(body["call"]["time"]) < body["to"]


def test_with_an_end_alone_it_is_the_session_that_ends_there(ask: Asker) -> None:
    body = history(ask, to="2026-08-03T12:00")
    assert body["from"] == int(datetime(2026, 8, 3, 9, 15, tzinfo=IST).timestamp())


def test_a_long_range_is_capped_at_its_end_and_says_so(ask: Asker) -> None:
    body = history(ask, timeframe="1m", **{"from": "2020-01-01", "to": "2026-08-05"})
    assert body["capped"] is True
    assert body["to"] - body["from"] == 7 * 86_400
    assert history(ask, timeframe="1d", **{"from": "2026-06-01", "to": "2026-08-05"})["capped"] is False


def test_unix_seconds_and_iso_mean_the_same(ask: Asker) -> None:
    since, until = (int(datetime(2026, 8, 3, hour, tzinfo=IST).timestamp()) for hour in (10, 11))
    by_seconds = history(ask, **{"from": since, "to": until})
    assert by_seconds == history(ask, **{"from": "2026-08-03T10:00", "to": "2026-08-03T05:30:00Z"})
    assert by_seconds["call"]["time"]
    assert all(since <= at < until for at in by_seconds["call"]["time"])


@pytest.mark.parametrize("span", [("2026-08-01", "2026-08-02"), ("2021-02-27", "2021-02-28")])
def test_where_there_was_no_session_there_are_no_bars(ask: Asker, span: tuple[str, str]) -> None:
    body = history(ask, expiry="2026-08-11" if span[0] > "2026" else "2021-02-25", **{"from": span[0], "to": span[1]})
    assert all(column == [] for column in body["call"].values())


def test_a_label_means_what_it_means_at_the_end_of_the_range(ask: Asker) -> None:
    assert history(ask, expiry="NWeek+0", to="2026-08-04T15:30")["expiry"] == "2026-08-04"
    assert history(ask, expiry="NWeek+0", to="2026-08-04T15:31")["expiry"] == "2026-08-11"


def test_a_side_that_is_not_listed_is_absent(ask: Asker) -> None:
    body = history(ask, strike=stored.ONE_SIDED)
    assert {"call", "put"} & set(body) == {"call"}
    assert body["call"]["time"]
    problem = ask(PATH, underlying="NIFTY", strike=stored.ONE_SIDED, expiry="2026-08-11", option_side="put")
    assert "25000.00" in problem.problem(400)["strike"]["valid"]


@pytest.mark.parametrize("strike", ["25050", "25000.01", "9999999999.99"])
def test_a_strike_that_is_not_listed_is_refused_with_the_nearest(ask: Asker, strike: str) -> None:
    problem = ask(PATH, underlying="NIFTY", strike=strike, expiry="2026-08-11").problem(400)
    assert problem["strike"]["valid"] == [f"{each:.2f}" for each in stored.STRIKES]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("strike", "25000;drop table bar"), ("strike", "'"), ("strike", "\x00"), ("strike", "1e400"), ("strike", "-1"),
        ("strike", "NaN"), ("strike", "25000.001"), ("strike", "9" * 400), ("expiry", "NWeek+9"),
        ("expiry", "' or 1=1"), ("expiry", "\x00"), ("expiry", "2026-02-30"), ("timeframe", "2m"), ("timeframe", "10"),
        ("timeframe", "1M"),
        ("timeframe", "1m'"), ("timeframe", "\x00"), ("from", "tomorrow"), ("from", "9" * 30),
        ("from", "0001-01-01"), ("to", "9999-12-31"), ("to", "1e9"), ("to", "\x00"), ("option_side", "CE"),
        ("sort", "strike;drop table"), ("at", "2026-08-03"),
    ],
)  # fmt: skip
def test_junk_is_refused_by_the_name_of_its_parameter(ask: Asker, name: str, value: str) -> None:
    asked = {"underlying": "NIFTY", "strike": "25000", "expiry": "2026-08-11", name: value}
    assert set(ask(PATH, **asked).problem(400)) == {name}


def test_a_range_must_not_end_before_it_begins(ask: Asker) -> None:
    span = {"from": "2026-08-04T10:00", "to": "2026-08-04T10:00"}
    assert set(ask(PATH, underlying="NIFTY", strike=25000, **span).problem(400)) == {"from"}


def test_a_strike_must_be_named(ask: Asker) -> None:
    assert set(ask(PATH, underlying="NIFTY").problem(400)) == {"strike"}


@pytest.mark.parametrize(
    ("alias", "timeframe"),
    [
        ("1min", "1m"), ("5min", "5m"), ("1hour", "1h"), ("1day", "1d"), ("1", "1m"), ("5", "5m"), ("15", "15m"),
        ("30", "30m"), ("60", "1h"), ("1D", "1d"),
    ],
)  # fmt: skip
def test_an_alias_of_a_timeframe_is_that_timeframe(ask: Asker, alias: str, timeframe: str) -> None:
    assert history(ask, timeframe=alias) == history(ask, timeframe=timeframe)
    assert history(ask, timeframe=alias)["timeframe"] == timeframe


@pytest.mark.parametrize("span", [{"from": "2026-08-05"}, WHOLE])
@pytest.mark.parametrize("timeframe", ["1m", "1d"])
@pytest.mark.usefixtures("nothing_kept")
def test_two_queries_serve_any_number_of_days(
    ask: Asker, span: Json, timeframe: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    history(ask, timeframe=timeframe, strike=24900, **span)  # reference data is remembered, this answer is not
    with django_assert_num_queries(3 if "to" not in span else 2):  # without `to` the newest bar
        history(ask, timeframe=timeframe, strike=24800, **span)


def test_what_a_label_means_is_part_of_what_is_remembered(ask: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the day that contracts expire the same question means another contract once they have."""
    for minute, expiry in ((29, "2026-08-04"), (30, "2026-08-11"), (29, "2026-08-04")):
        now = int(datetime(2026, 8, 4, 15, minute, tzinfo=IST).timestamp() * 1000)
        monkeypatch.setattr("fo_analytics.selectors.history.now_ms", lambda now=now: now)
        assert history(ask, expiry="NWeek+0", **{"from": "2026-08-04", "to": "2026-08-04"})["expiry"] == expiry

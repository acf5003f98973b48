"""/fo/moneyness-series: what stood at a level of the chain, against a plain recomputation from the stored rows."""

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pytest_django import DjangoAssertNumQueries

from fo_analytics.domain.calendar import IST, ist_date
from fo_analytics.models import Bar, ChainMetric, Instrument
from tests.api import stored
from tests.api.asking import Asker, Json
from tests.api.test_straddle_series import plain_mark
from tests.integration.ingest import recomputed

PATH = "/fo/moneyness-series"
WHOLE = {"from": "2026-07-31", "to": "2026-08-05"}
FIRST, LAST = datetime(2026, 7, 31, tzinfo=IST), datetime(2026, 8, 6, tzinfo=IST)
COLUMNS = ["time", "value", "strike", "oi", "volume", "underlying"]
BAR = ["oi", "volume", "iv", "iv_reason", "delta", "close", "bid", "ask"]


@pytest.fixture(autouse=True, scope="module")
def known_rows(stored_market: None) -> Iterator[None]:
    """What a recomputation starts from is read once a module."""
    yield
    bars.cache_clear()
    money.cache_clear()


def ask_series(ask: Asker, **parameters: Any) -> list[Json]:
    return list(ask_body(ask, **parameters)["series"])


def ask_body(ask: Asker, **parameters: Any) -> Json:
    answer = ask(PATH, **{"underlying": "NIFTY", "indicator": "iv", **parameters})
    assert answer.status == 200, answer.body
    return answer.body


@cache
def bars(timeframe: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Return bars by expiry, kind, strike and open; longer ones made from the minutes by pandas."""
    if timeframe == "1m":
        names = ["instrument_id", "time", *BAR]
        rows = pd.DataFrame(Bar.objects.values_list(*names), columns=names)
    else:
        rows = recomputed.recomputed(timeframe).reset_index()
    of = {
        each.pk: (each.expiry, each.kind, None if each.strike is None else float(each.strike))
        for each in Instrument.objects.all()
    }
    return {(*of[row["instrument_id"]], row["time"].to_pydatetime()): row for row in rows.to_dict("records")}


@cache
def money() -> pd.DataFrame:
    """Return the minutes that knew what was at the money, with their session's open."""
    names = ["expiry", "time", "atm_strike"]
    rows = pd.DataFrame(ChainMetric.objects.exclude(atm_strike=None).values_list(*names), columns=names)
    opens = {session.date: session.opens_at for session in stored.sessions()}
    return rows.assign(opens=pd.to_datetime(rows["time"].map(ist_date).map(opens), utc=True)).sort_values("time")


def expected(side: str, moneyness: str, expiry: str, timeframe: str) -> dict[int, tuple[float, dict[str, Any], Any]]:
    """Return strike, bar and spot's close of every bucket, by its open in Unix seconds."""
    out = {"A": 0, "O": 1, "I": -1}[moneyness[0]] * int(moneyness[3:] or 0) * (1 if side == "call" else -1)
    held, rows = bars(timeframe), money()
    found: dict[int, tuple[float, dict[str, Any], Any]] = {}
    width = pd.Timedelta(minutes=stored.MINUTES[timeframe])
    rows = rows.assign(bucket=rows["opens"] + (rows["time"] - rows["opens"]) // width * width)
    for row in rows.to_dict("records"):  # ascending: the last of a bucket stays
        opens = row["bucket"].to_pydatetime()
        if not FIRST <= opens < LAST or stored.meaning(expiry, opens) != row["expiry"]:
            continue
        rung = stored.STRIKES.index(row["atm_strike"]) + out
        strike = stored.STRIKES[rung] if 0 <= rung < len(stored.STRIKES) else None
        bar = held.get((row["expiry"], "CE" if side == "call" else "PE", strike, opens))
        spot = held.get((None, "SPOT", None, opens))
        at = int(row["bucket"].timestamp())
        found.pop(at, None)
        if strike is not None and bar is not None:
            found[at] = (strike, bar, None if spot is None else spot["close"])
    return dict(sorted(found.items()))


def value_of(indicator: str, bar: dict[str, Any]) -> float:
    return plain_mark(bar["bid"], bar["ask"], bar["close"]) if indicator == "mark" else bar[indicator]


@pytest.mark.parametrize("timeframe", list(stored.MINUTES))
@pytest.mark.parametrize("expiry", ["NWeek+0", "2026-08-11"])
def test_series_are_what_the_stored_rows_say(ask: Asker, expiry: str, timeframe: str) -> None:
    asked = {"indicator": "iv,mark,oi", "moneyness": "ATM,OTM1,ITM2", "expiry": expiry, "timeframe": timeframe}
    series = ask_series(ask, **asked, **WHOLE)
    order = [
        (indicator, moneyness, side)
        for indicator in ("iv", "mark", "oi")
        for moneyness in ("ATM", "OTM1", "ITM2")
        for side in ("call", "put")
    ]
    assert [(one["indicator"], one["moneyness"], one["side"]) for one in series] == order
    assert sum(len(one["time"]) for one in series) > 0
    for one in series:
        rows = expected(one["side"], one["moneyness"], expiry, timeframe)
        assert one["time"] == list(rows)
        assert one["strike"] == [strike for strike, _, _ in rows.values()]
        for name in ("oi", "volume"):
            assert one[name] == stored.clean([bar[name] for _, bar, _ in rows.values()]), name
        values = [value_of(one["indicator"], bar) for _, bar, _ in rows.values()]
        assert one["value"] == stored.clean(np.array(values, float))
        assert one["underlying"] == stored.clean([spot for _, _, spot in rows.values()])


@pytest.mark.parametrize("timeframe", ["1m", "1h"])
def test_where_there_is_no_volatility_the_series_of_it_and_of_greeks_say_why(ask: Asker, timeframe: str) -> None:
    series = ask_series(ask, indicator="iv,delta,close,pcr", timeframe=timeframe, option_side="put", **WHOLE)
    rows = expected("put", "ATM", "NWeek+0", timeframe)
    reasons = [stored.IV_REASONS[bar["iv_reason"]] for _, bar, _ in rows.values()]
    assert None in reasons
    assert len(set(reasons)) >= 2
    assert [one["iv_reason"] for one in series] == [reasons, reasons, None, None]
    assert [value is None for value in series[0]["value"]] == [reason is not None for reason in reasons]


def test_a_chains_indicator_has_the_buckets_value_at_every_level(ask: Asker) -> None:
    for one in ask_series(ask, indicator="pcr", moneyness="ATM,OTM2", timeframe="15m", **WHOLE):
        rows = stored.metric_rows("NWeek+0", "15m", FIRST, LAST)
        measured = dict(zip(stored.seconds(rows.index), stored.clean(rows["pcr_oi"]), strict=True))
        assert one["indicator"] == "pcr_oi"
        assert one["time"]
        assert one["value"] == [measured[at] for at in one["time"]]


def test_a_label_rolls_over_where_contracts_stop(ask: Asker) -> None:
    body = ask_body(ask, **WHOLE)
    assert [part["expiry"] for part in body["expiries"]] == ["2026-08-04", "2026-08-11"]
    turn = int(datetime(2026, 8, 4, 15, 30, tzinfo=IST).timestamp())
    assert body["expiries"][0]["to"] == body["expiries"][1]["from"] == turn
    times = ask_series(ask, moneyness="ATM,OTM1,ITM1", **WHOLE)[2]["time"]
    assert any(turn <= at < turn + 600 for at in times)


@pytest.mark.parametrize(("side", "sides"), [("call", ["call"]), ("put", ["put"]), ("both", ["call", "put"])])
def test_option_side_chooses_the_sides(ask: Asker, side: str, sides: list[str]) -> None:
    assert [one["side"] for one in ask_series(ask, option_side=side)] == sides


def test_every_series_has_the_columns_promised_all_of_one_length(ask: Asker) -> None:
    for one in ask_series(ask, indicator=["iv", "close,pcr"], moneyness=["OTM1", "ATM,ITM1"]):
        assert set(one) == {"indicator", "side", "moneyness", "iv_reason", *COLUMNS}
        assert len({len(one[name]) for name in COLUMNS}) == 1


def test_beyond_the_ladder_and_over_a_weekend_there_is_nothing(ask: Asker) -> None:
    assert [one["time"] for one in ask_series(ask, moneyness="OTM9", **WHOLE)] == [[], []]
    weekend = ask_body(ask, expiry="2026-08-11", **{"from": "2026-08-01", "to": "2026-08-02"})
    assert [one["time"] for one in weekend["series"]] == [[], []]
    assert weekend["expiries"] == []


def test_a_split_session_is_counted_from_its_first_open(ask: Asker) -> None:
    day = {"from": "2021-02-24", "to": "2021-02-24", "expiry": "2021-02-25", "timeframe": "1h"}
    opens = {datetime.fromtimestamp(at, IST).strftime("%H:%M") for one in ask_series(ask, **day) for at in one["time"]}
    assert opens
    assert opens <= {"09:15", "10:15", "11:15", "15:15", "16:15"}


def test_by_default_it_is_at_the_money_of_the_last_session(ask: Asker) -> None:
    body = ask_body(ask)
    assert {one["moneyness"] for one in body["series"]} == {"ATM"}
    assert (body["timeframe"], body["capped"]) == ("1m", False)
    assert body["from"] == int(datetime(2026, 8, 5, 9, 15, tzinfo=IST).timestamp())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("indicator", "sigma"), ("indicator", "close; DROP TABLE bar"), ("indicator", "iv' or '1"),
        ("indicator", "\x00"), ("indicator", "iv," * 9), ("moneyness", "ATM+1"), ("moneyness", "OTM0"),
        ("moneyness", "OTM99999"),
        ("moneyness", "otm1"), ("moneyness", "ATM;"), ("moneyness", "\x00"), ("moneyness", ","), ("option_side", "CE"),
        ("timeframe", "2"), ("timeframe", "1H"), ("expiry", "NWeek+9"), ("expiry", "' or 1=1 --"), ("from", "9" * 25),
        ("to", "soon"), ("sort", "strike;drop table"), ("strike", "25000"),
    ],
)  # fmt: skip
def test_junk_is_refused_by_the_name_of_its_parameter(ask: Asker, name: str, value: str) -> None:
    assert set(ask(PATH, **{"underlying": "NIFTY", "indicator": "iv", name: value}).problem(400)) == {name}


def test_an_indicator_must_be_named(ask: Asker) -> None:
    assert set(ask(PATH, underlying="NIFTY").problem(400)) == {"indicator"}


@pytest.mark.parametrize("timeframe", ["1m", "1d"])
@pytest.mark.usefixtures("nothing_kept")
def test_the_number_of_queries_does_not_depend_on_what_is_asked_for(
    ask: Asker, timeframe: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    small = {"from": "2026-08-05T09:15", "to": "2026-08-05T10:15"}
    for levels, span in (("ATM", small), ("ITM2,ITM1,ATM,OTM1,OTM2", WHOLE)):
        ask_body(ask, timeframe=timeframe, **WHOLE)  # reference data is remembered
        with django_assert_num_queries(3):  # series, the chain, ticks
            ask_body(ask, indicator="iv,mark,pcr", moneyness=levels, timeframe=timeframe, **span)

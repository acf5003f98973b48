"""/fo/underlyings, /fo/instruments and /fo/indicators: what is listed."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from fo_analytics.domain.calendar import IST, to_ms
from fo_analytics.models import Instrument, SupersededTerms, Underlying
from tests.api import stored
from tests.api.asking import Asker, Json

pytestmark = pytest.mark.usefixtures("stored_market")
PATH = "/fo/instruments"


def pages(ask: Asker, **parameters: Any) -> list[Json]:
    """Return all rows, page by page."""
    rows: list[Json] = []
    cursor: str | None = ""
    while cursor is not None:
        body = ask(PATH, **parameters, **({"cursor": cursor} if cursor else {})).body
        assert len(body["instruments"]) <= parameters.get("limit", 200)
        rows += body["instruments"]
        cursor = body["next"]
    return rows


def tokens(rows: list[Json]) -> list[int]:
    return [row["token"] for row in rows]


@pytest.mark.parametrize("limit", [1, 7, 10, 29, 30, 31, 1000])
def test_pages_together_are_the_whole_list_in_order_each_once(ask: Asker, limit: int) -> None:
    rows = pages(ask, limit=limit)
    every = list(Instrument.objects.all())
    order = {each.token: (each.expiry or date.min, each.strike or Decimal(0), each.kind) for each in every}
    assert tokens(rows) == sorted(order, key=lambda token: order[token])
    assert len(rows) == 1 + 3 * 9


def test_an_instrument_that_is_listed_between_two_pages_breaks_nothing(ask: Asker) -> None:
    first = ask(PATH, limit=5).body
    other = Underlying.objects.create(symbol="AAA", exchange="NSE")
    Instrument.objects.create(underlying=other, kind="SPOT", token=9, tradingsymbol="AAA")
    rest = pages(ask, limit=1000)
    second = ask(PATH, limit=1000, cursor=first["next"]).body["instruments"]
    other.instruments.all().delete()
    other.delete()
    assert tokens(rest)[0] == 9
    assert tokens(second) == tokens(rest)[6:]


def test_an_instrument_is_shown_with_all_its_terms(ask: Asker) -> None:
    (row,) = ask(PATH, underlying="NIFTY 50", expiry="2026-08-04", kind="CE", strike_min=25000, strike_max=25000).body[
        "instruments"
    ]
    held = Instrument.objects.get(expiry=stored.TUESDAY, kind="CE", strike=25_000)
    assert row == {
        "token": held.token, "tradingsymbol": "NIFTY26080425000CE", "underlying": "NIFTY", "kind": "CE",
        "expiry": "2026-08-04", "strike": 25_000.0, "lot_size": 65, "tick_size": 0.05, "valid_from": "2026-01-01",
        "valid_to": "2026-08-04",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("parameters", "count"),
    [
        ({"underlying": "NIFTY"}, 28),
        ({"symbol": "^NSEI"}, 28),
        ({"expiry": "2026-08-04"}, 9),
        ({"kind": "PE"}, 12),
        ({"kind": "SPOT"}, 1),
        ({"kind": "CE,SPOT"}, 16),
        ({"kind": ["CE", "PE"]}, 27),
        ({"kind": "FUT"}, 0),
        ({"strike_min": 25_100}, 9),
        ({"strike_max": "24800.00"}, 6),
        ({"strike_min": 24_900, "strike_max": 25_000}, 12),
        ({"expiry": "2026-08-05"}, 0),
        ({"at": "2026-08-03"}, 19),
        ({"at": "2026-08-05"}, 10),
        ({"at": "2021-02-25"}, 10),
        ({"at": "2020-12-31"}, 1),
        ({"underlying": "NIFTY", "expiry": "NWeek+0", "at": "2026-08-04T15:30"}, 9),
    ],
)
def test_filters_leave_what_they_say(ask: Asker, parameters: Json, count: int) -> None:
    assert len(pages(ask, limit=8, **parameters)) == count


def test_a_label_is_resolved_as_of_the_instant(ask: Asker) -> None:
    asked = {"underlying": "NIFTY", "expiry": "NWeek+0"}
    rows = [pages(ask, **asked, at=f"2026-08-04T15:{minute}")[0]["expiry"] for minute in (29, 30)]
    assert rows == ["2026-08-04", "2026-08-11"]


def test_lot_and_tick_are_those_of_the_day(ask: Asker) -> None:
    contract = Instrument.objects.get(expiry=stored.NEXT, kind="CE", strike=25_000)
    for day, lot, tick in (("2026-07-31", 75, "0.10"), ("2026-08-03", 70, "0.20")):
        SupersededTerms.objects.create(
            instrument=contract, valid_to=date.fromisoformat(day), lot_size=lot, tick_size=Decimal(tick)
        )
    asked = {"expiry": "2026-08-11", "kind": "CE", "strike_min": 25_000, "strike_max": 25_000}
    found = {}
    for day in ("2026-07-30", "2026-07-31", "2026-08-01", "2026-08-03", "2026-08-04"):
        body = ask(PATH, at=day, **asked).body
        assert body["day"] == day
        found[day] = [(row["lot_size"], row["tick_size"]) for row in body["instruments"]]
    now = ask(PATH, **asked).body["instruments"]
    contract.superseded_terms.all().delete()
    assert list(found.values()) == [[(75, 0.1)], [(75, 0.1)], [(70, 0.2)], [(70, 0.2)], [(65, 0.05)]]
    assert (now[0]["lot_size"], now[0]["tick_size"]) == (65, 0.05)


@pytest.mark.parametrize("cursor", ["junk", "1", "'; drop table bar", "\x00", "9" * 500, "W10:1vAbcd:xyz", "é"])
def test_a_cursor_that_we_did_not_make_is_refused(ask: Asker, cursor: str) -> None:
    assert set(ask(PATH, cursor=cursor).problem(400)) == {"cursor"}


def test_a_cursor_that_was_changed_is_refused(ask: Asker) -> None:
    cursor = ask(PATH, limit=3).body["next"]
    assert set(ask(PATH, cursor=f"x{cursor[1:]}").problem(400)) == {"cursor"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("underlying", "NOBODY"),
        ("underlying", "\x00"),
        ("expiry", "NWeek+0"),
        ("expiry", "' or 1=1"),
        ("expiry", "\x00"),
        ("kind", "XX"),
        ("kind", ",,"),
        ("kind", "CE;drop table bar"),
        ("strike_min", "-1"),
        ("strike_min", "1e99"),
        ("strike_max", "NaN"),
        ("strike_max", "Infinity"),
        ("strike_max", "9" * 400),
        ("at", "2099-01-01"),
        ("limit", "0"),
        ("limit", "1001"),
        ("limit", "9" * 400),
        ("sort", "strike;drop table"),
        ("offset", "3"),
    ],
)
def test_junk_is_refused_by_the_name_of_its_parameter(ask: Asker, name: str, value: str) -> None:
    assert set(ask(PATH, **{name: value}).problem(400)) == {name}


def test_one_query_makes_a_page_of_any_size(ask: Asker, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    ask(PATH, underlying="NIFTY", limit=1)
    for limit in (1, 100):
        with django_assert_num_queries(1):
            ask(PATH, underlying="NIFTY", limit=limit)


def test_an_underlying_says_what_is_known_of_it(ask: Asker) -> None:
    silent = Underlying.objects.create(symbol="SILENT", exchange="BSE", is_index=False)
    rows = ask("/fo/underlyings").body["underlyings"]
    silent.delete()
    newest = to_ms(datetime(2026, 8, 5, 15, 39, tzinfo=IST))
    assert rows[0].pop("ts_event") in (newest, newest + 60_000)
    assert rows == [
        {
            "symbol": "NIFTY", "exchange": "NSE", "is_index": True, "aliases": ["NIFTY50", "NIFTY 50", "^NSEI"],
            "expiries": 1,
        },
        {
            "symbol": "SILENT", "exchange": "BSE", "is_index": False, "aliases": [], "expiries": 0, "ts_event": None,
        },
    ]  # fmt: skip


def test_underlyings_take_as_many_queries_as_there_are_kinds_of_facts(
    ask: Asker, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    made = [Underlying.objects.create(symbol=f"S{number}", exchange="NSE") for number in range(20)]
    with django_assert_num_queries(3):
        assert len(ask("/fo/underlyings").body["underlyings"]) == 21
    Underlying.objects.filter(pk__in=[each.pk for each in made]).delete()


def test_indicators_have_a_unit_and_a_meaning_and_distinct_names(ask: Asker) -> None:
    rows = ask("/fo/indicators").body["indicators"]
    names = [name for row in rows for name in (row["name"], *row["aliases"])]
    assert len(names) == len(set(names))
    assert {"iv", "delta", "gamma", "theta", "vega", "rho", "oi", "volume", "mark", "close", "pcr"} <= set(names)
    assert {row["of"] for row in rows} == {"contract", "chain"}
    assert all(row["unit"] and row["meaning"] for row in rows)


@pytest.mark.parametrize("path", ["/fo/underlyings", "/fo/indicators"])
def test_what_takes_no_parameter_refuses_any(ask: Asker, path: str) -> None:
    assert set(ask(path, sort="strike;drop table").problem(400)) == {"sort"}


@pytest.mark.parametrize("path", [PATH, "/fo/underlyings", "/fo/indicators"])
def test_nobody_is_answered_without_a_token(db: None, path: str) -> None:
    assert APIClient().get(path).status_code == 401

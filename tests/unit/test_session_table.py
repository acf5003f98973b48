"""The shipped table of trading sessions against the days on which NSE traded, and the reader's errors."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest

from fo_analytics.domain.calendar import IST, Session
from fo_analytics.session_table import SHIPPED_TABLE, SessionTableError, parse

# Two days that traded but are missing from the list of trading days; see the head of the table.
MISSING_FROM_THE_LIST = {date(2021, 11, 4), date(2022, 8, 8)}

SMALL = """
exchanges = ["NSE", "BSE"]
first = 2026-07-27
last = 2026-08-09

[[regimes]]
from = 2019-01-01
opens = 09:15:00
closes = 15:30:00
expires = 15:30:00

[[regimes]]
from = 2026-08-03
opens = 09:15:00
closes = 15:40:00
expires = 15:30:00

[holidays]
2026-07-29 = "a holiday"
"""


@pytest.fixture(scope="module")
def shipped() -> dict[tuple[str, date], Session]:
    return {(s.exchange, s.date): s for s in parse(SHIPPED_TABLE.read_text())}


def clocks(session: Session) -> list[tuple[str, str]]:
    return [(f"{i.opens_at.astimezone(IST):%H:%M}", f"{i.closes_at.astimezone(IST):%H:%M}") for i in session.intervals]


def traded_days(shared_data: Path) -> set[date]:
    lines = (shared_data / "calendar" / "nse_trading_days_2019_2026.txt").read_text().split()
    return {date.fromisoformat(line) for line in lines}


def test_every_day_on_which_nse_traded_has_a_session(
    shared_data: Path, shipped: dict[tuple[str, date], Session]
) -> None:
    missing = [day for day in sorted(traded_days(shared_data)) if ("NSE", day) not in shipped]
    assert missing == []


def test_no_other_day_has_a_session(shared_data: Path, shipped: dict[tuple[str, date], Session]) -> None:
    # The list is complete from October 2019 on; two days that traded are known to be missing from it.
    first, last = date(2019, 10, 1), date(2026, 8, 21)
    days = {day for exchange, day in shipped if exchange == "NSE" and first <= day <= last}
    assert days - traded_days(shared_data) == MISSING_FROM_THE_LIST


def test_the_holidays_the_exchange_declared_for_2025_are_closed(
    shared_data: Path, shipped: dict[tuple[str, date], Session]
) -> None:
    rows = json.loads((shared_data / "calendar" / "nse_holidays_2025.json").read_text())["FO"]
    declared = {datetime.strptime(row["tradingDate"], "%d-%b-%Y").replace(tzinfo=IST).date() for row in rows}
    open_days = {day for day in declared if ("NSE", day) in shipped}
    assert len(declared) == 18
    assert open_days == {date(2025, 10, 21)}
    assert shipped["NSE", date(2025, 10, 21)].kind == "muhurat"


def test_budget_sunday_trades_all_day_and_republic_day_does_not(
    shipped: dict[tuple[str, date], Session],
) -> None:
    sunday = shipped["NSE", date(2026, 2, 1)]
    assert (sunday.kind, sunday.minutes, clocks(sunday)) == ("weekend", 375, [("09:15", "15:30")])
    assert ("NSE", date(2026, 1, 26)) not in shipped


def test_a_day_missing_from_the_list_of_trading_days_has_a_regular_session(
    shipped: dict[tuple[str, date], Session],
) -> None:
    assert shipped["NSE", date(2022, 8, 8)].kind == "regular"
    assert ("NSE", date(2022, 8, 9)) not in shipped


@pytest.mark.parametrize(
    ("day", "kind", "hours", "minutes", "expires"),
    [
        ("2019-10-27", "muhurat", [("18:15", "19:15")], 60, "19:15"),
        ("2020-02-01", "weekend", [("09:15", "15:30")], 375, "15:30"),
        ("2020-11-14", "muhurat", [("18:15", "19:15")], 60, "19:15"),
        ("2021-02-24", "split", [("09:15", "11:40"), ("15:45", "17:00")], 220, "17:00"),
        ("2021-11-04", "muhurat", [("18:15", "19:15")], 60, "19:15"),
        ("2022-10-24", "muhurat", [("18:15", "19:15")], 60, "19:15"),
        ("2023-11-12", "muhurat", [("18:15", "19:15")], 60, "19:15"),
        ("2024-01-20", "weekend", [("09:15", "15:30")], 375, "15:30"),
        ("2024-03-02", "split", [("09:15", "10:00"), ("11:30", "12:30")], 105, "12:30"),
        ("2024-05-18", "split", [("09:15", "10:00"), ("11:30", "12:30")], 105, "12:30"),
        ("2024-11-01", "muhurat", [("18:00", "19:00")], 60, "19:00"),
        ("2025-02-01", "weekend", [("09:15", "15:30")], 375, "15:30"),
        ("2025-10-21", "muhurat", [("13:45", "14:45")], 60, "14:45"),
        ("2026-07-31", "regular", [("09:15", "15:30")], 375, "15:30"),
        ("2026-08-03", "regular", [("09:15", "15:40")], 385, "15:30"),
    ],
)
def test_days_have_the_hours_the_exchange_announced(
    shipped: dict[tuple[str, date], Session],
    day: str,
    kind: str,
    hours: list[tuple[str, str]],
    minutes: int,
    expires: str,
) -> None:
    session = shipped["NSE", date.fromisoformat(day)]
    assert (session.kind, clocks(session), session.minutes) == (kind, hours, minutes)
    assert f"{session.expires_at.astimezone(IST):%H:%M}" == expires


def test_a_session_whose_hours_were_not_announced_says_so(
    shipped: dict[tuple[str, date], Session],
) -> None:
    assert shipped["NSE", date(2026, 11, 8)].kind == "assumed"


def test_both_exchanges_have_the_same_days_and_differ_only_on_the_day_of_the_outage(
    shipped: dict[tuple[str, date], Session],
) -> None:
    by_exchange = {
        name: {day: (s.kind, s.intervals, s.expires_at) for (of, day), s in shipped.items() if of == name}
        for name in ("NSE", "BSE")
    }
    assert by_exchange["NSE"].keys() == by_exchange["BSE"].keys()
    different = [day for day in by_exchange["NSE"] if by_exchange["NSE"][day] != by_exchange["BSE"][day]]
    assert different == [date(2021, 2, 24)]
    assert clocks(shipped["BSE", date(2021, 2, 24)]) == [("09:15", "17:00")]


def test_the_shipped_table_reaches_to_the_end_of_2026(shipped: dict[tuple[str, date], Session]) -> None:
    days = [day for _, day in shipped]
    assert (min(days), max(days)) == (date(2019, 1, 1), date(2026, 12, 31))


def test_a_weekday_has_a_session_unless_it_is_a_holiday() -> None:
    days = [s.date for s in parse(SMALL) if s.exchange == "BSE"]
    weekdays = [date(2026, 7, 27) + timedelta(days=n) for n in (0, 1, 3, 4, 7, 8, 9, 10, 11)]
    assert days == weekdays


def test_sessions_come_in_order_of_date_and_exchange() -> None:
    keys = [(s.date, s.exchange) for s in parse(SMALL)]
    assert keys == sorted(keys, key=lambda key: (key[0], key[1] != "NSE"))


def test_a_regime_holds_from_its_date_on() -> None:
    closes = {s.date: s.closes_at.astimezone(IST).time() for s in parse(SMALL)}
    assert closes[date(2026, 7, 31)] == time(15, 30)
    assert closes[date(2026, 8, 3)] == time(15, 40)


def test_a_special_session_replaces_a_holiday() -> None:
    extra = '[[specials]]\ndate = 2026-07-29\nkind = "muhurat"\nintervals = [[18:15:00, 19:15:00]]\n'
    sessions = [s for s in parse(SMALL + extra) if s.date == date(2026, 7, 29)]
    assert [(s.exchange, s.kind, s.minutes) for s in sessions] == [
        ("NSE", "muhurat", 60),
        ("BSE", "muhurat", 60),
    ]


def test_a_special_session_of_one_exchange_leaves_the_other_alone() -> None:
    extra = '[[specials]]\ndate = 2026-08-08\nkind = "weekend"\nexchanges = ["BSE"]\n'
    assert [s.exchange for s in parse(SMALL + extra) if s.date == date(2026, 8, 8)] == ["BSE"]


def special(rest: str, day: str = "2026-08-08") -> str:
    return f"{SMALL}[[specials]]\ndate = {day}\n{rest}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("exchanges = [", "not TOML"),
        (SMALL.replace("first = 2026-07-27\n", ""), "first of type date, not None"),
        (SMALL.replace("first = 2026-07-27", "first = 2026-07-27T00:00:00"), "first of type date"),
        (SMALL.replace("last = 2026-08-09", "last = 2026-07-01"), "2026-07-01: the last date is before"),
        (SMALL.replace('["NSE", "BSE"]', '["NSE", "NSE"]'), "different exchange names"),
        (SMALL.replace('["NSE", "BSE"]', "[]"), "different exchange names"),
        (SMALL.replace("from = 2019-01-01", "from = 2026-07-30"), "2026-07-27: no regime"),
        (SMALL.replace("from = 2019-01-01", "from = 2026-08-03"), "no regime holds"),
        (SMALL.replace("from = 2026-08-03", "from = 2018-08-03"), "2018-08-03: regimes must be in order"),
        (SMALL.replace("closes = 15:40:00", "closes = 15:20:00"), "2026-08-03: the regime must open"),
        (SMALL.replace("closes = 15:40:00", 'closes = "15:40"'), "2026-08-03: the regime needs closes"),
        (SMALL.replace("2026-07-29 =", "2026-07-32 ="), "2026-07-32: a holiday that is not a date"),
        (SMALL.replace("2026-07-29 =", "2026-08-01 ="), "2026-08-01: a holiday on a weekend"),
        (SMALL.replace("2026-07-29 =", "2025-07-29 ="), "2025-07-29: outside the table's dates"),
        (SMALL + "[later]\n", "unknown keys: later"),
        ("specials = [1]\n" + SMALL, "specials must be a list of tables"),
        (special('kind = "Muhurat!"'), "2026-08-08: the special session needs a kind"),
        (special('kind = "regular"'), "2026-08-08: the special session needs a kind"),
        (special('kind = "weekend"\nhours = 3'), "2026-08-08: the special session has unknown keys: hours"),
        (special('kind = "weekend"\nexchanges = ["MCX"]'), "2026-08-08: .* unknown exchanges: MCX"),
        (special('kind = "weekend"', "2030-01-05"), "2030-01-05: outside the table's dates"),
        (special('kind = "split"\nintervals = [[10:00:00]]'), "2026-08-08: .* not \\[open, later close\\]"),
        (special('kind = "split"\nintervals = [[11:00:00, 10:00:00]]'), "2026-08-08: .* not \\[open, later"),
        (
            special('kind = "split"\nintervals = [[11:00:00, 12:00:00], [09:15:00, 10:00:00]]'),
            "2026-08-08: .* overlap or are out of order",
        ),
        (
            special('kind = "weekend"') + '[[specials]]\ndate = 2026-08-08\nkind = "split"\n',
            "2026-08-08: two special sessions of NSE",
        ),
    ],
)
def test_a_wrong_table_is_refused_with_the_date_of_the_line(text: str, message: str) -> None:
    with pytest.raises(SessionTableError, match=message):
        parse(text)

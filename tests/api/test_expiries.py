"""/fo/expiries: which expiries there are, as of when, and what they are called."""

import pytest

from tests.api.asking import Asker
from tests.api.market import EXPIRY, FAR, LAST, NEAR, SILENT, ist

pytestmark = pytest.mark.usefixtures("market")


def test_expiries_come_in_order_of_time_with_labels_kinds_and_days(ask: Asker) -> None:
    body = ask("/fo/expiries", underlying="NIFTY").body
    assert [(row["expiry"], row["labels"], row["kinds"], row["days"]) for row in body["expiries"]] == [
        (NEAR.isoformat(), ["NWeek+0"], ["weekly"], 1),
        (FAR.isoformat(), ["NWeek+1", "NMonth+0"], ["monthly"], 8),
        (SILENT.isoformat(), ["NWeek+2", "NMonth+1", "NQuarter+0"], ["monthly", "quarterly"], 57),
    ]


def test_without_at_the_instant_is_that_of_the_newest_tick(ask: Asker) -> None:
    body = ask("/fo/expiries", underlying="NIFTY").body
    assert (body["underlying"], body["ts_event"]) == ("NIFTY", LAST)


def test_the_expiry_instant_is_that_of_the_session(ask: Asker) -> None:
    assert ask("/fo/expiries", underlying="NIFTY").body["expiries"][0]["ts_expiry"] == EXPIRY


@pytest.mark.parametrize(
    ("at", "first", "days"),
    [
        ("2026-02-03T15:29:59.999", NEAR, 0),
        ("2026-02-03T15:30:00", FAR, 7),
        ("2026-02-03T10:00:00Z", FAR, 7),
        ("2026-02-10T15:30:00+05:30", SILENT, 49),
    ],
)
def test_an_expiry_counts_until_its_instant_and_not_at_it(ask: Asker, at: str, first: object, days: int) -> None:
    row = ask("/fo/expiries", underlying="NIFTY", at=at).body["expiries"][0]
    assert (row["expiry"], row["labels"][0], row["days"]) == (str(first), "NWeek+0", days)


def test_nothing_is_listed_before_the_first_contract_was(ask: Asker) -> None:
    assert ask("/fo/expiries", underlying="NIFTY", at="2025-12-31T23:59").body["expiries"] == []
    assert len(ask("/fo/expiries", underlying="NIFTY", at="2026-01-01T00:00").body["expiries"]) == 3


@pytest.mark.parametrize("name", ["nifty", "NIFTY50", "NIFTY 50", "nifty  50", "NSE:NIFTY", "^NSEI", " NIFTY "])
def test_an_underlying_is_found_by_every_one_of_its_names(ask: Asker, name: str) -> None:
    assert ask("/fo/expiries", underlying=name).body["underlying"] == "NIFTY"


def test_symbol_is_another_name_of_the_parameter(ask: Asker) -> None:
    assert ask("/fo/expiries", symbol="NIFTY50").body == ask("/fo/expiries", underlying="NIFTY").body


def test_an_unknown_underlying_is_refused_with_those_there_are(ask: Asker) -> None:
    problem = ask("/fo/expiries", underlying="NIFTYX").problem(400)
    assert problem["underlying"]["valid"] == ["NIFTY"]


@pytest.mark.parametrize("parameters", [{}, {"underlying": ""}, {"symbol": ""}, {"underlying": "\x00"}])
def test_an_underlying_must_be_named(ask: Asker, parameters: dict[str, str]) -> None:
    assert set(ask("/fo/expiries", **parameters).problem(400)) == (set(parameters) or {"underlying"})


def test_a_parameter_of_another_path_is_unknown_here(ask: Asker) -> None:
    problem = ask("/fo/expiries", underlying="NIFTY", levels=3).problem(400)
    assert problem["levels"]["message"] == "unknown parameter"


@pytest.mark.parametrize("at", [ist("2026-02-02 10:00:00") // 1000, "2026-02-02T10:00:00+05:30"])
def test_days_are_counted_on_the_exchanges_calendar(ask: Asker, at: object) -> None:
    rows = ask("/fo/expiries", underlying="NIFTY", at=at).body["expiries"]
    assert [row["days"] for row in rows] == [1, 8, 57]

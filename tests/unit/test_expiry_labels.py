"""Expiry labels as of any instant, and the kinds of expiries."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fo_analytics.domain.calendar import IST, Calendar
from fo_analytics.domain.labels import UnknownExpiry, classify, labels_of, monthly_expiries, resolve
from fo_analytics.session_table import SHIPPED_TABLE, parse

NSE = Calendar("NSE", [s for s in parse(SHIPPED_TABLE.read_text()) if s.exchange == "NSE"])


def dates(*texts: str) -> list[date]:
    return [date.fromisoformat(text) for text in texts]


# Listed on 18 August 2026, an expiry day; the bank index has monthly contracts only.
NIFTY = dates(
    "2026-08-18", "2026-08-25", "2026-09-01", "2026-09-08", "2026-09-15", "2026-09-29", "2026-10-27",
    "2026-12-29", "2027-03-30", "2027-06-29",
)  # fmt: skip
BANKNIFTY = dates("2026-08-25", "2026-09-29", "2026-10-27", "2026-12-29", "2027-03-30", "2027-06-29")
MONTHLY = monthly_expiries(NIFTY + BANKNIFTY)
MORNING = datetime(2026, 8, 18, 10, 0, tzinfo=IST)
EXPIRY = datetime(2026, 8, 18, 15, 30, tzinfo=IST)


def meaning(label: str, as_of: datetime = MORNING, expiries: list[date] = NIFTY) -> str:
    return resolve(label, expiries, as_of, monthly=MONTHLY, expires_at=NSE.expires_at).isoformat()


def refusal(label: str, as_of: datetime = MORNING, expiries: list[date] = NIFTY) -> UnknownExpiry:
    with pytest.raises(UnknownExpiry) as caught:
        meaning(label, as_of, expiries)
    return caught.value


@pytest.mark.parametrize(
    ("label", "expiry"),
    [
        ("NWeek+0", "2026-08-18"),
        ("NWeek+1", "2026-08-25"),
        ("NWeek+2", "2026-09-01"),
        ("NWeek+5", "2026-09-29"),
        ("NWeek+9", "2027-06-29"),
        ("NMonth+0", "2026-08-25"),
        ("NMonth+1", "2026-09-29"),
        ("NMonth+2", "2026-10-27"),
        ("NMonth+3", "2026-12-29"),
        ("NMonth+5", "2027-06-29"),
        ("NQuarter+0", "2026-09-29"),
        ("NQuarter+1", "2026-12-29"),
        ("NQuarter+3", "2027-06-29"),
    ],
)
def test_a_label_counts_the_listed_expiries_from_nought(label: str, expiry: str) -> None:
    assert meaning(label) == expiry


@pytest.mark.parametrize(
    "label",
    [
        "NWeek+1",
        "NWeek 1",
        "nweek+1",
        "NWEEK+1",
        "nWeek 1",
        " NWeek+1 ",
        "NWeek+01",
        "2026-08-25",
    ],
)
def test_one_expiry_can_be_written_in_many_ways(label: str) -> None:
    assert meaning(label) == "2026-08-25"


@pytest.mark.parametrize("n", [0, 3, 8])
def test_at_the_expiry_instant_the_next_expiry_is_first(n: int) -> None:
    assert meaning(f"NWeek+{n}", EXPIRY - timedelta(milliseconds=1)) == NIFTY[n].isoformat()
    assert meaning(f"NWeek+{n}", EXPIRY) == NIFTY[n + 1].isoformat()


@pytest.mark.parametrize(
    ("as_of", "expiry"),
    [
        ("2026-08-25T15:29:59", "2026-08-25"),
        ("2026-08-25T15:30:00", "2026-09-29"),
        ("2026-08-26T00:00:00", "2026-09-29"),
        ("2026-09-29T15:30:00", "2026-10-27"),
        ("2026-10-27T15:30:00", "2026-12-29"),
    ],
)
def test_months_roll_at_the_expiry_instant_too(as_of: str, expiry: str) -> None:
    assert meaning("NMonth+0", datetime.fromisoformat(as_of).replace(tzinfo=IST)) == expiry


@pytest.mark.parametrize(
    ("as_of", "expiry"),
    [
        ("2026-08-18T15:30:00", "2026-09-29"),
        ("2026-09-29T15:30:00", "2026-12-29"),
        ("2026-12-29T15:30:00", "2027-03-30"),
    ],
)
def test_quarters_are_the_months_of_march_june_september_and_december(as_of: str, expiry: str) -> None:
    assert meaning("NQuarter+0", datetime.fromisoformat(as_of).replace(tzinfo=IST)) == expiry


def test_the_instant_counts_and_not_the_time_zone_it_is_written_in() -> None:
    assert meaning("NWeek+0", datetime(2026, 8, 18, 9, 59, 59, tzinfo=UTC)) == "2026-08-18"
    assert meaning("NWeek+0", datetime(2026, 8, 18, 10, 0, tzinfo=UTC)) == "2026-08-25"


def test_a_label_works_for_a_past_day() -> None:
    # 3 February 2026, the day of the weekly expiry; the bank index lists its monthly contract only.
    monthly = monthly_expiries(dates("2026-02-03", "2026-02-10", "2026-02-24"))
    sunday = datetime(2026, 2, 1, 11, 0, tzinfo=IST)
    listed = dates("2026-02-03", "2026-02-10", "2026-02-24")
    for label, expiry in (("NWeek+0", "2026-02-03"), ("NWeek+1", "2026-02-10"), ("NMonth+0", "2026-02-24")):
        found = resolve(label, listed, sunday, monthly=monthly, expires_at=NSE.expires_at)
        assert found.isoformat() == expiry


def test_the_order_of_the_expiries_and_repeats_do_not_matter() -> None:
    assert meaning("NWeek+1", expiries=[*reversed(NIFTY), *NIFTY]) == "2026-08-25"


def test_a_monthly_expiry_is_the_last_of_its_month_over_all_underlyings() -> None:
    # Only a weekly NIFTY expiry of February is in the master: it is not the monthly one.
    nifty, bank = dates("2026-02-03"), dates("2026-02-24")
    monthly = monthly_expiries(nifty + bank)
    assert monthly == frozenset(bank)
    assert classify(nifty[0], monthly=monthly) == ("weekly",)
    with pytest.raises(UnknownExpiry, match=r"no expiry listed after .* is monthly"):
        resolve("NMonth+0", nifty, datetime(2026, 2, 2, tzinfo=IST), monthly=monthly, expires_at=NSE.expires_at)


@pytest.mark.parametrize(
    ("expiry", "kinds"),
    [
        ("2026-09-01", ("weekly",)),
        ("2026-09-15", ("weekly",)),
        ("2026-10-27", ("monthly",)),
        ("2026-09-29", ("monthly", "quarterly")),
        ("2027-03-30", ("monthly", "quarterly")),
    ],
)
def test_an_expiry_is_weekly_or_monthly_and_perhaps_quarterly(expiry: str, kinds: tuple[str, ...]) -> None:
    assert classify(date.fromisoformat(expiry), monthly=MONTHLY) == kinds


@pytest.mark.parametrize(
    ("label", "why"),
    [
        ("NWeek+10", "the last one listed after 2026-08-18 10:00:00 IST is NWeek+9, 2027-06-29"),
        ("NMonth+6", "is NMonth+5, 2027-06-29"),
        ("NQuarter+4", "is NQuarter+3, 2027-06-29"),
        ("NWeek+9999", "is NWeek+9"),
        ("2026-08-20", "no contract of this underlying is listed with that date"),
        ("2026-02-30", "neither"),
        ("20260825", "neither"),
        ("NWeek", "neither"),
        ("NWeek+", "neither"),
        ("NWeek-1", "neither"),
        ("NWeek++1", "neither"),
        ("NWeek+1.5", "neither"),
        ("NWeek+٣", "neither"),
        ("NYear+0", "neither"),
        ("Week+0", "neither"),
        ("current", "neither"),
        ("", "neither"),
    ],
)
def test_anything_else_is_refused_with_the_reason(label: str, why: str) -> None:
    error = refusal(label)
    assert error.label == label
    assert why in error.why
    assert why in str(error)


def test_a_refusal_lists_what_would_be_valid() -> None:
    valid = refusal("NWeek+99", EXPIRY).valid
    assert valid[:2] == ("NWeek+0", "NWeek+1")
    assert {"NWeek+8", "NMonth+5", "NQuarter+3", "2027-06-29"} <= set(valid)
    assert {"NWeek+9", "NMonth+6", "NQuarter+4"}.isdisjoint(valid)


@pytest.mark.parametrize("expiries", [[], NIFTY])
def test_after_the_last_expiry_a_refusal_says_that_none_is_listed(expiries: list[date]) -> None:
    error = refusal("NWeek+0", datetime(2028, 1, 1, tzinfo=IST), expiries)
    assert error.why == "no expiry is listed after 2028-01-01 00:00:00 IST"
    assert error.valid == tuple(expiry.isoformat() for expiry in expiries)


def test_a_date_may_be_asked_for_after_it_has_expired() -> None:
    assert meaning("2026-08-18", EXPIRY + timedelta(days=3)) == "2026-08-18"


def test_expiries_come_in_order_with_all_their_labels() -> None:
    rows = labels_of(reversed(NIFTY), MORNING, monthly=MONTHLY, expires_at=NSE.expires_at)
    assert [row.expiry for row in rows] == NIFTY
    by_date = {row.expiry.isoformat(): row for row in rows}
    assert by_date["2026-08-18"].labels == ("NWeek+0",)
    assert by_date["2026-08-25"].labels == ("NWeek+1", "NMonth+0")
    assert by_date["2026-09-29"].labels == ("NWeek+5", "NMonth+1", "NQuarter+0")
    assert by_date["2026-09-29"].kinds == ("monthly", "quarterly")
    assert [by_date[day].days for day in ("2026-08-18", "2026-08-25", "2026-09-29")] == [0, 7, 42]


def test_expired_ones_are_not_among_them() -> None:
    rows = labels_of(NIFTY, EXPIRY, monthly=MONTHLY, expires_at=NSE.expires_at)
    assert rows[0].expiry == date(2026, 8, 25)
    assert rows[0].labels == ("NWeek+0", "NMonth+0")


@given(
    st.lists(st.dates(min_value=date(2025, 1, 1), max_value=date(2027, 12, 31)), min_size=1, max_size=40),
    st.datetimes(min_value=datetime(2025, 1, 1), max_value=datetime(2027, 12, 31)),  # noqa: DTZ001
)
def test_every_label_given_out_resolves_to_its_expiry(expiries: list[date], clock: datetime) -> None:
    as_of, monthly = clock.replace(tzinfo=IST), monthly_expiries(expiries)
    rows = labels_of(expiries, as_of, monthly=monthly, expires_at=NSE.expires_at)
    for row in rows:
        assert as_of < NSE.expires_at(row.expiry)
        for label in (*row.labels, row.expiry.isoformat()):
            found = resolve(label, expiries, as_of, monthly=monthly, expires_at=NSE.expires_at)
            assert found == row.expiry


def test_labels_of_a_real_master_follow_the_contracts_of_each_exchange(shared_data: Path) -> None:
    listed: dict[str, dict[str, set[date]]] = defaultdict(lambda: defaultdict(set))
    path = shared_data / "kite" / "instruments_nfo_bfo_2026-08-18.csv.gz"
    with gzip.open(path, "rt") as lines:
        for row in csv.DictReader(lines):
            listed[row["exchange"]][row["name"]].add(date.fromisoformat(row["expiry"]))
    expected = {
        ("NFO", "NIFTY", "NWeek+1"): "2026-08-25",
        ("NFO", "NIFTY", "NMonth+1"): "2026-09-29",
        ("NFO", "NIFTY", "NQuarter+1"): "2026-12-29",
        ("NFO", "BANKNIFTY", "NWeek+0"): "2026-08-25",
        ("BFO", "SENSEX", "NWeek+6"): "2026-10-01",
        ("BFO", "SENSEX", "NMonth+2"): "2026-10-29",
        ("BFO", "BANKEX", "NQuarter+0"): "2026-09-24",
    }
    for (exchange, name, label), expiry in expected.items():
        monthly = monthly_expiries(set().union(*listed[exchange].values()))
        found = resolve(label, listed[exchange][name], MORNING, monthly=monthly, expires_at=NSE.expires_at)
        assert (name, label, found.isoformat()) == (name, label, expiry)

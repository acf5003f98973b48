"""A broker's list of instruments: what a row says, and what is wrong with it."""

import gzip
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from fo_analytics.master_file import MasterFile, UnreadableMaster, read_master, take_spots, without_repetitions

HEADER = (
    "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,"
    "instrument_type,segment,exchange"
)
CALL = "101,1,NIFTY26AUG25000CE,NIFTY,0.0,2026-08-25,25000.0,0.05,65,CE,NFO-OPT,NFO"
FUTURE = "102,1,BANKEX26AUGFUT,BANKEX,0.0,2026-08-27,0.0,0.05,30,FUT,BFO-FUT,BFO"
INDEX = "256265,1001,NIFTY 50,NIFTY 50,0,,0,0,0,EQ,INDICES,NSE"


def quiet(stage: str, done: int, total: int) -> None:
    """Show nothing."""


def write(folder: Path, *rows: str, name: str = "list.csv", header: str = HEADER) -> Path:
    """Write a list, compressed where the name says so."""
    path = folder / name
    data = "\n".join([header, *rows, ""]).encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def read(folder: Path, *rows: str) -> MasterFile:
    """Return what a list of these rows holds."""
    return read_master(write(folder, *rows), progress=quiet)


def test_a_contract_is_read_as_it_stands(tmp_path: Path) -> None:
    call, future = read(tmp_path, CALL, FUTURE).contracts
    assert (call.line, call.token, call.contract) == (2, 101, ("NIFTY", "CE", date(2026, 8, 25), Decimal(25000)))
    assert (call.exchange, call.market, call.lot_size, call.tick_size) == ("NSE", "NFO", 65, Decimal("0.05"))
    assert (future.exchange, future.market, future.contract) == (
        "BSE",
        "BFO",
        ("BANKEX", "FUT", date(2026, 8, 27), None),
    )


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("101,", "abc,", "instrument_token 'abc' is not a whole number above 0"),
        ("101,", "0,", "instrument_token '0'"),
        ("101,", "4294967296,", "below 4,294,967,296"),
        ("2026-08-25", "25-08-2026", "expiry '25-08-2026' is not a date (YYYY-MM-DD)"),
        ("2026-08-25", "", "expiry '' is not a date"),
        ("25000.0", "0.0", "strike '0.0' is not an amount above 0 with at most 2 decimals"),
        ("25000.0", "100.125", "strike '100.125'"),
        ("25000.0", "NaN", "strike 'NaN'"),
        ("25000.0", "1e999999", "strike '1e999999'"),
        ("0.05", "-0.05", "tick_size '-0.05' is not an amount above 0 with at most 4 decimals"),
        (",65,", ",0,", "lot_size '0'"),
        (",65,", ",65.5,", "lot_size '65.5'"),
        (",CE,", ",XX,", "instrument_type 'XX' is none of FUT, CE, PE"),
        ("NIFTY,", ",", "name '' is not 1 to 32 characters"),
        ("NIFTY26AUG25000CE", "NIFTY\x00CE", "tradingsymbol"),
        (",NFO", "", "1 columns fewer than the header"),
        (",NFO", ",NFO,more", "1 columns more than the header"),
    ],
)
def test_a_row_that_cannot_be_true_is_handed_back_with_line_and_reason(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    assert old in CALL
    at = CALL.rindex(old) if old.startswith(",") else CALL.index(old)
    wrong = CALL[:at] + new + CALL[at + len(old) :] if old != "NIFTY," else CALL.replace(",NIFTY,", ",,")
    found = read(tmp_path, FUTURE, wrong, FUTURE.replace("102,", "103,", 1))
    assert [row.line for row in found.bad] == [3]
    assert reason in found.bad[0].reason
    assert [row.token for row in found.contracts] == [102, 103]


def test_a_repeated_token_or_contract_is_a_bad_row(tmp_path: Path) -> None:
    found = read(tmp_path, CALL, FUTURE.replace("102", "101", 1), CALL.replace("101", "103", 1))
    kept, bad = without_repetitions(found.contracts)
    assert [row.line for row in kept] == [2]
    assert [(row.line, row.reason, row.symbol) for row in bad] == [
        (3, "token 101 is on line 2 already", "BANKEX"),
        (4, "the same contract is on line 2 already", "NIFTY"),
    ]


def test_the_cash_rows_of_underlyings_are_spots_and_the_others_are_ignored(tmp_path: Path) -> None:
    equity = "2,1,CDSL,CENTRAL DEPO SER (I),0.0,,0.0,0.05,1,EQ,NSE,NSE"
    found = read(
        tmp_path,
        INDEX,
        equity,
        equity.replace("2,1,CDSL", "3,1,CDSL-BE"),
        equity.replace("2,1,", "4,1,").replace("NSE", "BSE"),
        equity.replace("2,1,CDSL", "5,1,ELSE").replace("0.05", "0"),
        CALL.replace("NFO", "MCX"),
    )
    assert found.ignored == 1
    spots = take_spots(found, {"NIFTY": "NSE", "CDSL": "NSE"})
    assert [(row.token, row.symbol, row.kind, row.is_index) for row in spots] == [
        (256265, "NIFTY", "SPOT", True),
        (2, "CDSL", "SPOT", False),
    ]
    assert (spots[0].lot_size, spots[0].tick_size, spots[0].expiry) == (1, Decimal("0.05"), None)
    assert (found.ignored, found.bad) == (4, [])


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("list.csv", b"", "no column instrument_token"),
        ("list.csv", b"<html>\n", "is no instrument master"),
        ("list.csv", HEADER.encode() + b"\n", "lists nothing"),
        ("list.csv", HEADER.encode() + b"\n\xff\xfe\n", "cannot be read"),
        ("list.csv.gz", HEADER.encode(), "cannot be read"),
        ("list.csv.gz", gzip.compress(HEADER.encode() * 9)[:-9], "cannot be read"),
    ],
)
def test_a_file_that_is_no_list_is_refused_with_the_reason(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(UnreadableMaster, match=reason):
        read_master(path, progress=quiet)


def test_a_byte_order_mark_windows_lines_and_blank_lines_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([HEADER, "", CALL, ""]).encode())
    found = read_master(path, progress=quiet)
    assert [(row.line, row.token) for row in found.contracts] == [(3, 101)]

"""Recordings: both shapes, units, what is said and what is not, and files that are none."""

import gzip
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from fo_analytics.domain.calendar import to_ms
from fo_analytics.replay.recording import ContractKey, UnknownRecording, lot_size, read, recordings

WITH_SPOT = """Symbol,Expiry,Strike,CE_LTP,CE_OI,CE_Volume,PE_LTP,PE_OI,PE_Volume,Spot,%Change,timestamp,file
NIFTY,2026-02-03,25000.0,100.5,650.0,1300.0,90.25,130.0,65.0,25010.1,0.1,2026-02-02 10:00:00,b.csv
NIFTY,2026-02-03,25100.0,60.0,65.0,0.0,0.0,0.0,0.0,25010.1,0.1,2026-02-02 10:00:00,b.csv
NIFTY,2026-02-03,25000.0,101.5,650.0,1200.0,91.25,130.0,65.0,0.0,0.1,2026-02-02 09:55:00,a.csv
"""
PAGE = """Fetch_Time,Symbol,Expiry_Date,CALLS_OI,CALLS_Volume,CALLS_LTP,CALLS_Bid_Qty,CALLS_Bid_Price,CALLS_Ask_Price,\
CALLS_Ask_Qty,Strike_Price,PUTS_OI,PUTS_Volume,PUTS_LTP,PUTS_Bid_Qty,PUTS_Bid_Price,PUTS_Ask_Price,PUTS_Ask_Qty
2025-08-29 09:22:45,NIFTY,2025-09-02,85.0,2,1861.6,750,1911.9,2028.35,150,22600,\
46706.0,31669,0.95,153825,0.95,1.0,450075
"""
TEN = to_ms(datetime(2026, 2, 2, 4, 30, tzinfo=UTC))


def write(folder: Path, name: str, text: str) -> Path:
    """Write a recording, compressed where the name says so."""
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["chain.csv", "chain.csv.gz"])
def test_snapshots_come_in_order_of_time_with_the_spot_once(tmp_path: Path, name: str) -> None:
    earlier, later = read(write(tmp_path, name, WITH_SPOT))
    assert (earlier[0], later[0]) == (TEN - 300_000, TEN)
    assert [tick.key.kind for tick in earlier[1]] == ["CE", "PE"]  # a spot of 0 is none
    assert [tick.key.kind for tick in later[1]].count("SPOT") == 1
    spot = next(tick for tick in later[1] if tick.key.kind == "SPOT")
    assert (spot.key, spot.last, spot.volume) == (ContractKey("NIFTY", "SPOT"), 25010.1, None)


def test_amounts_in_units_stay_and_quotes_that_are_not_recorded_are_none(tmp_path: Path) -> None:
    _, (_, ticks) = read(write(tmp_path, "chain.csv", WITH_SPOT))
    call = next(tick for tick in ticks if tick.key == ContractKey("NIFTY", "CE", date(2026, 2, 3), 25_000.0))
    assert (call.last, call.oi, call.volume, call.bid, call.ask) == (100.5, 650.0, 1300.0, None, None)


def test_amounts_in_lots_become_units(tmp_path: Path) -> None:
    ((_, (call, put)),) = read(write(tmp_path, "page.csv", PAGE))
    assert (call.oi, call.volume, put.oi, put.volume) == (85 * 75, 2 * 75, 46706 * 75, 31669 * 75)
    assert (call.bid, call.bid_qty, call.ask, call.ask_qty) == (1911.9, 750, 2028.35, 150)


@pytest.mark.parametrize(
    ("underlying", "expiry", "lot"),
    [
        ("NIFTY", date(2025, 9, 2), 75),
        ("NIFTY", date(2026, 2, 3), 65),
        ("BANKNIFTY", date(2026, 2, 24), 30),
        ("MIDCPNIFTY", date(2026, 2, 24), 120),
    ],
)
def test_lots_are_those_of_the_contracts_expiry(underlying: str, expiry: date, lot: int) -> None:
    assert lot_size(underlying, expiry) == lot


def test_a_lot_nobody_knows_is_an_error_not_a_guess() -> None:
    with pytest.raises(UnknownRecording, match="RELIANCE"):
        lot_size("RELIANCE", date(2026, 2, 24))


def test_a_file_without_a_known_header_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UnknownRecording, match=r"other\.csv has none of the known headers; it has: a, b"):
        list(read(write(tmp_path, "other.csv", "a,b\n1,2\n")))


def test_a_broken_line_is_refused_by_its_number(tmp_path: Path) -> None:
    with pytest.raises(UnknownRecording, match=r"chain\.csv, line 3: 'nan' is not a number"):
        list(read(write(tmp_path, "chain.csv", WITH_SPOT.replace("60.0,", "nan,"))))


def test_a_folder_is_its_recordings_by_name_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, "b.csv", PAGE)
    write(tmp_path, "a.csv.gz", WITH_SPOT)
    write(tmp_path, "c.csv", "time,forward\n1,2\n")
    assert [path.name for path in recordings(tmp_path)] == ["a.csv.gz", "b.csv"]


def test_a_path_without_recordings_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(UnknownRecording, match="neither a recording nor a folder"):
            recordings(path)


def test_the_recorded_days_have_the_known_numbers_of_rows(shared_data: Path) -> None:
    found = recordings(shared_data / "nse_2026_02")
    ticks = {path.name[-17:-7]: sum(len(ticks) for _, ticks in read(path)) for path in found}
    # Two ticks a row, and a spot for NIFTY and BANKNIFTY in every snapshot.
    assert ticks == {
        "2026-01-30": 2 * 24_624 + 2 * 72,
        "2026-02-01": 2 * 22_572 + 2 * 66,
        "2026-02-02": 2 * 4_188 + 2 * 12,
        "2026-02-03": 2 * 23_383 + 2 * 67,
    }

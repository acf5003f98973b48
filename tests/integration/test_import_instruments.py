"""`manage.py import_instruments`: what a list of instruments makes of the master, once, again and later."""

import io
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from fo_analytics.ingest import master as ingest_master
from fo_analytics.ingest.master import NOBODY, Master
from fo_analytics.models import Instrument, MasterImport, SupersededTerms, Underlying
from fo_analytics.replay.recording import ContractKey
from fo_analytics.selectors.reference import Terms, terms_on
from fo_analytics.services.instruments import ensure_instruments
from fo_analytics.services.master_import import PARKED, import_master
from tests.migrations.catalogue import Rows, contents
from tests.unit.test_master_file import write
from tradingviz.core.cache import forget_all

pytestmark = pytest.mark.django_db

MONDAY, TUESDAY, WEDNESDAY = "2026-08-17", "2026-08-18", "2026-08-19"
EXPIRY = date(2026, 8, 25)
SUMMARY = re.compile(
    r"([\d,]+) instruments as of (\S+): ([\d,]+) added, ([\d,]+) changed, ([\d,]+) kept, ([\d,]+) expired, "
    r"([\d,]+) bad rows, ([\d,]+) ignored, ([\d.]+) s"
)
TABLES = [model._meta.db_table for model in (Underlying, Instrument, SupersededTerms, MasterImport)]

Counts = tuple[int, ...]


@pytest.fixture(autouse=True)
def fresh(db: None) -> Iterator[None]:
    """Remember nothing of other tests."""
    forget_all()
    yield
    forget_all()


class Terminal(io.StringIO):
    """A stream that somebody looks at."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def option(token: int, strike: int, *, kind: str = "CE", name: str = "NIFTY", lot: int = 65, tick: str = "0.05") -> str:
    """Return a row of an option of 25-Aug-2026."""
    return f"{token},1,{name}26AUG{strike}{kind},{name},0.0,{EXPIRY},{strike}.0,{tick},{lot},{kind},NFO-OPT,NFO"


def run(path: Path, as_of: str | None = MONDAY, stderr: io.StringIO | None = None) -> Counts:
    """Import a list; return added, changed, kept, expired, bad and ignored."""
    out = io.StringIO()
    arguments = [f"--as-of={as_of}"] if as_of else []
    call_command("import_instruments", str(path), *arguments, stdout=out, stderr=stderr or io.StringIO())
    found = SUMMARY.fullmatch(out.getvalue().strip())
    assert found is not None, out.getvalue()
    return tuple(int(text.replace(",", "")) for text in found.groups()[2:8])


def stored() -> dict[str, Rows]:
    """Return every row of the master's tables."""
    return {table: contents(table) for table in TABLES}


def call(strike: int) -> Instrument:
    """Return the NIFTY call of a strike."""
    return Instrument.objects.get(underlying__symbol="NIFTY", kind="CE", strike=strike)


# ---------------------------------------------------------------- one list


def test_a_compressed_list_says_the_same_as_a_plain_one(tmp_path: Path) -> None:
    rows = [option(101, 25_000), option(102, 25_000, kind="PE"), option(103, 2_400, name="RELIANCE", lot=500)]
    assert run(write(tmp_path, *rows)) == (3, 0, 0, 0, 0, 0)
    before = stored()
    assert run(write(tmp_path, *rows, name="list.csv.gz")) == (0, 0, 3, 0, 0, 0)
    assert stored() == before


def test_cash_instruments_of_which_nothing_is_derived_are_ignored(shared_data: Path) -> None:
    assert run(shared_data / "kite" / "instruments_nse.csv") == (0, 0, 0, 0, 0, 99)


def test_underlyings_have_canonical_names_and_follow_the_sessions_of_their_exchange(tmp_path: Path) -> None:
    bse = option(103, 80_000, name="SENSEX").replace("NFO", "BFO")
    run(write(tmp_path, option(101, 25_000, name="NIFTY 50"), option(102, 2_400, name="RELIANCE"), bse))
    rows = Underlying.objects.values_list("symbol", "exchange", "is_index")
    assert set(rows) == {("NIFTY", "NSE", True), ("RELIANCE", "NSE", False), ("SENSEX", "BSE", True)}


def test_every_bad_row_is_named_by_line_and_reason_and_the_others_count(tmp_path: Path) -> None:
    errors = io.StringIO()
    rows = [
        option(101, 25_000),
        option(102, 25_100).replace(str(EXPIRY), "soon"),
        option(101, 25_200),
        option(104, 25_300),
        option(105, 25_400).replace("NFO", "BFO"),
    ]
    assert run(write(tmp_path, *rows), stderr=errors) == (2, 0, 0, 0, 3, 0)
    assert [line for line in errors.getvalue().splitlines() if line.startswith("line")] == [
        "line 3: expiry 'soon' is not a date (YYYY-MM-DD)",
        "line 4: token 101 is on line 2 already",
        "line 6: NIFTY follows the sessions of NSE, not BSE",
    ]
    assert set(Instrument.objects.values_list("token", flat=True)) == {101, 104}


def test_the_spot_of_an_index_comes_by_its_alias_and_corrects_what_it_is(tmp_path: Path) -> None:
    index = "256265,1,NIFTY 50,NIFTY 50,0,,0,0,0,EQ,INDICES,NSE"
    odd = "9,1,FOCIT,BSE FOCUSED IT,0,,0,0,0,EQ,INDICES,NSE"
    assert run(write(tmp_path, option(101, 25_000), option(102, 900, name="FOCIT"), index, odd)) == (4, 0, 0, 0, 0, 0)
    spots = Instrument.objects.filter(kind="SPOT").values_list("underlying__symbol", "token", "lot_size", "tick_size")
    assert set(spots) == {("NIFTY", 256265, 1, Decimal("0.05")), ("FOCIT", 9, 1, Decimal("0.05"))}
    assert Underlying.objects.get(symbol="FOCIT").is_index


def test_an_import_that_breaks_off_leaves_nothing_behind(tmp_path: Path) -> None:
    before = stored()

    def interrupt(stage: str, done: int, total: int) -> None:
        if stage == "adding" and done == total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_master(path=write(tmp_path, option(101, 25_000)), today=EXPIRY, as_of=None, progress=interrupt)
    assert stored() == before


@pytest.mark.parametrize(
    ("header", "said"), [("a,b", "is no instrument master: it has no column"), (None, "No such file")]
)
def test_a_file_that_is_no_list_is_one_clear_line(tmp_path: Path, header: str | None, said: str) -> None:
    path = write(tmp_path, "1,2", header=header) if header else tmp_path / "missing.csv"
    with pytest.raises(CommandError, match=said):
        run(path)


def test_a_terminal_gets_a_bar_and_a_log_gets_plain_lines(tmp_path: Path) -> None:
    path = write(tmp_path, option(101, 25_000))
    terminal, log = Terminal(), io.StringIO()
    run(path, stderr=terminal)
    assert f"\radding [{'.' * 30}] 0 of 1\radding [{'#' * 30}] 1 of 1\n" in terminal.getvalue()
    run(path, stderr=log)
    assert log.getvalue() == "reading: 1 rows\n"


# ---------------------------------------------------------------- a later list


def test_a_changed_lot_is_kept_with_the_days_it_held(tmp_path: Path) -> None:
    run(write(tmp_path, option(101, 25_000, lot=75)), MONDAY)
    assert run(write(tmp_path, option(101, 25_000, lot=65)), TUESDAY) == (0, 1, 0, 0, 0, 0)
    assert run(write(tmp_path, option(101, 25_000, lot=65, tick="0.1")), "2026-08-21") == (0, 1, 0, 0, 0, 0)
    terms = {day: terms_on(instrument=call(25_000), day=date(2026, 8, day)) for day in (16, 17, 18, 20, 21, 22)}
    first, second, third = Terms(75, Decimal("0.05")), Terms(65, Decimal("0.05")), Terms(65, Decimal("0.1"))
    assert terms == {16: first, 17: first, 18: second, 20: second, 21: third, 22: third}


def test_a_correction_on_the_same_day_leaves_no_terms_that_never_held(tmp_path: Path) -> None:
    run(write(tmp_path, option(101, 25_000, lot=75)), MONDAY)
    run(write(tmp_path, option(101, 25_000, lot=70)), MONDAY)
    assert not SupersededTerms.objects.exists()
    run(write(tmp_path, option(101, 25_000, lot=60)), TUESDAY)
    run(write(tmp_path, option(101, 25_000, lot=65)), TUESDAY)
    assert list(SupersededTerms.objects.values_list("valid_to", "lot_size")) == [(date(2026, 8, 17), 70)]
    assert call(25_000).lot_size == 65


def test_a_token_goes_to_the_contract_that_has_it_now_and_the_old_one_keeps_its_row(tmp_path: Path) -> None:
    run(write(tmp_path, option(101, 25_000), option(102, 25_100)), MONDAY)
    old = call(25_000)
    assert run(write(tmp_path, option(101, 26_000), option(102, 25_100)), WEDNESDAY) == (1, 0, 1, 1, 0, 0)
    assert call(26_000).token == 101
    kept = Instrument.objects.get(pk=old.pk)
    assert (kept.token, kept.valid_to, kept.strike) == (PARKED + old.pk, date(2026, 8, 18), Decimal(25_000))
    before = stored()
    assert run(write(tmp_path, option(101, 26_000), option(102, 25_100)), "2026-08-20") == (0, 0, 2, 0, 0, 0)
    assert stored() == before


def test_a_token_of_a_long_expired_contract_of_another_underlying_can_be_had(tmp_path: Path) -> None:
    old = option(101, 2_400, name="RELIANCE").replace(str(EXPIRY), "2025-08-28")
    run(write(tmp_path, old), "2025-08-01")
    assert run(write(tmp_path, option(101, 25_000))) == (1, 0, 0, 1, 0, 0)
    assert call(25_000).token == 101
    assert Instrument.objects.get(underlying__symbol="RELIANCE").valid_to == date(2025, 8, 28)


def test_tokens_may_go_round_in_a_circle(tmp_path: Path) -> None:
    strikes = (25_000, 25_100, 25_200)
    run(write(tmp_path, *(option(101 + at, strike) for at, strike in enumerate(strikes))))
    keys = {strike: call(strike).pk for strike in strikes}
    assert run(write(tmp_path, option(102, 25_000), option(103, 25_100), option(101, 25_200))) == (0, 3, 0, 0, 0, 0)
    assert [call(strike).token for strike in strikes] == [102, 103, 101]
    assert {strike: call(strike).pk for strike in strikes} == keys


def test_a_contract_known_from_a_recording_gets_the_real_token(tmp_path: Path) -> None:
    key = ContractKey("NIFTY", "CE", EXPIRY, 25_000.0)
    made_up = ensure_instruments(keys=[key, ContractKey("NIFTY", "SPOT")], seen_on=date(2026, 8, 3))[key]
    recorded = call(25_000)
    assert made_up == recorded.token > 1 << 40
    assert run(write(tmp_path, option(101, 25_000))) == (0, 1, 0, 0, 0, 0)
    assert ensure_instruments(keys=[key], seen_on=date(2026, 8, 20)) == {key: 101}
    taken_over = call(25_000)
    assert (taken_over.pk, taken_over.valid_from) == (recorded.pk, date(2026, 8, 3))
    assert not SupersededTerms.objects.exists()


def test_a_contract_no_longer_listed_ends_the_day_before_and_may_come_back(tmp_path: Path) -> None:
    both = (option(101, 25_000), option(102, 25_100))
    run(write(tmp_path, *both), MONDAY)
    assert run(write(tmp_path, both[0]), WEDNESDAY) == (0, 0, 1, 1, 0, 0)
    assert (call(25_000).valid_to, call(25_100).valid_to) == (EXPIRY, date(2026, 8, 18))
    assert run(write(tmp_path, both[0]), "2026-08-20") == (0, 0, 1, 0, 0, 0)
    assert run(write(tmp_path, *both), "2026-08-21") == (0, 1, 1, 0, 0, 0)
    assert call(25_100).valid_to == EXPIRY


def test_nothing_ends_that_the_list_may_not_know(tmp_path: Path) -> None:
    ensure_instruments(keys=[ContractKey("NIFTY", "CE", EXPIRY, 24_900.0)], seen_on=date(2026, 8, 3))
    run(write(tmp_path, option(101, 25_000), option(102, 25_100), option(103, 2_400, name="RELIANCE")), MONDAY)
    unreadable = option(102, 25_100).replace(",65,", ",many,")
    assert run(write(tmp_path, option(101, 25_000), unreadable), TUESDAY) == (0, 0, 1, 0, 1, 0)
    cut = option(102, 25_100)[:20]
    assert run(write(tmp_path, option(101, 25_000), cut), TUESDAY) == (0, 0, 1, 0, 1, 0)
    assert set(Instrument.objects.values_list("valid_to", flat=True)) == {EXPIRY}


def test_an_old_list_is_as_old_as_its_first_expiry_and_refused_after_a_newer_one(tmp_path: Path) -> None:
    old = write(tmp_path, option(101, 25_000), option(102, 2_400, name="RELIANCE").replace(str(EXPIRY), "2026-08-11"))
    run(old, as_of=None)
    assert MasterImport.objects.get().as_of == date(2026, 8, 11)
    run(write(tmp_path, option(101, 25_000), option(104, 25_100), name="newer.csv"), MONDAY)
    before = stored()
    with pytest.raises(CommandError, match=r"of 2026-08-11 \(first expiry on line 3\), .* as of 2026-08-17 already"):
        run(old, as_of=None)
    assert stored() == before


# ---------------------------------------------------------------- ingest


def owners(master: Master, *tokens: int) -> list[str | None]:
    """Return the symbols that ingest gives ticks of these tokens to."""
    found = master.owners(np.array(tokens, np.int64)).tolist()
    return [None if owner == NOBODY else master.listings[owner].symbol for owner in found]


def test_ingest_gives_a_token_to_the_contract_that_has_it_since_the_last_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(write(tmp_path, option(101, 25_000)), MONDAY)
    master = Master()
    assert owners(master, 101, 7) == ["NIFTY", None]
    run(write(tmp_path, option(101, 2_400, name="RELIANCE"), option(102, 25_000)), TUESDAY)
    monkeypatch.setattr(ingest_master, "LOOK_AGAIN_S", 0.0)
    assert owners(master, 101, 102, 7) == ["RELIANCE", "NIFTY", None]


def test_tokens_that_nobody_knows_do_not_make_ingest_read_the_master_again(tmp_path: Path) -> None:
    run(write(tmp_path, option(101, 25_000)))
    master = Master()
    version = master.version
    assert owners(master, 7, 101) == [None, "NIFTY"]
    assert owners(master, 8, 9) == [None, None]
    assert master.version == version
    run(write(tmp_path, option(101, 25_000), option(110, 25_100)))
    assert owners(master, 8, 110) == [None, "NIFTY"]
    assert master.version == version + 1

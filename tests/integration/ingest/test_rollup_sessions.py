"""Longer bars of sessions of every shape, and the commands that make them."""

import re
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from fo_analytics.domain.calendar import IST
from fo_analytics.models import (
    Bar,
    BarRollup,
    Instrument,
    SessionInterval,
    TradingSession,
)
from fo_analytics.replay.recording import ContractKey
from fo_analytics.selectors.sessions import calendar_of
from fo_analytics.services.instruments import ensure_instruments
from fo_analytics.services.rollups import roll_up
from tests.integration.ingest.recomputed import MINUTES, assert_all_equal_to_minutes
from tests.integration.ingest.test_commands import manage
from tests.unit.test_recording import WITH_SPOT, write

EARLY, LATE = (
    ContractKey("NIFTY", "CE", date(2026, 2, 24), 25_000.0),
    ContractKey("NIFTY", "PE", date(2026, 2, 24), 1.0),
)


def store_session(day: date, key: ContractKey = EARLY) -> Instrument:
    """Store a bar for every minute of a day's session; every seventh says nothing of the price."""
    token = ensure_instruments(keys=[key], seen_on=day)[key]
    instrument = Instrument.objects.get(token=token)
    session = calendar_of(exchange="NSE").session_on(day)
    assert session is not None
    Bar.objects.bulk_create(
        Bar(instrument=instrument, time=time, **minute(number, time))
        for number, time in enumerate(session.bucket_starts)
    )
    return instrument


def minute(number: int, time: datetime) -> dict[str, float | int | datetime | None]:
    """Return the numbers of a session's minute."""
    price = 100.0 + number * 37 % 101
    quoted = {"bid": price - 1, "ask": None if number % 4 else price + 1} if number % 3 == 0 else {}
    worth = {"forward": 25_000.0 + number, "delta": 0.5 + number / 1000, "iv_reason": 0} if number % 5 else {}
    if number % 7 == 0:
        return {"volume": number, "oi": None, "iv_reason": number % 3, "flags": 1, **quoted}
    return {
        "open": price, "high": price + 2, "low": price - 2, "close": price + 1, "volume": number, "oi": 10 * number,
        "first_at": time + timedelta(seconds=1), "last_at": time + timedelta(seconds=50), **quoted, **worth,
    }  # fmt: skip


def opens(timeframe: str) -> list[str]:
    """Return the opens of a timeframe's buckets, as IST clock times."""
    times = BarRollup.objects.filter(timeframe=timeframe).order_by("time").values_list("time", flat=True)
    return [time.astimezone(IST).strftime("%H:%M") for time in times]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("day", "counts"),
    [
        (date(2026, 2, 2), {"5m": 75, "15m": 25, "30m": 13, "1h": 7, "1d": 1}),  # 09:15 to 15:30
        (date(2026, 8, 3), {"5m": 77, "15m": 26, "30m": 13, "1h": 7, "1d": 1}),  # 09:15 to 15:40
        (date(2024, 11, 1), {"5m": 12, "15m": 4, "30m": 2, "1h": 1, "1d": 1}),  # 18:00 to 19:00
    ],
)
def test_a_session_has_as_many_bars_as_its_hours_give(day: date, counts: dict[str, int]) -> None:
    store_session(day)
    assert roll_up(first=day, last=day) == sum(counts.values())
    assert {timeframe: len(opens(timeframe)) for timeframe in MINUTES} == counts
    assert_all_equal_to_minutes()


@pytest.mark.django_db
def test_buckets_of_a_split_session_are_counted_over_wall_time_from_its_first_open() -> None:
    store_session(date(2021, 2, 24))  # 09:15 to 11:40, 15:45 to 17:00
    roll_up(first=date(2021, 2, 24), last=date(2021, 2, 24))
    assert opens("1h") == ["09:15", "10:15", "11:15", "15:15", "16:15"]
    assert opens("30m") == ["09:15", "09:45", "10:15", "10:45", "11:15", "15:45", "16:15", "16:45"]
    assert opens("1d") == ["09:15"]
    assert_all_equal_to_minutes()


@pytest.mark.django_db
def test_numbers_that_belong_together_come_from_one_minute() -> None:
    day = date(2026, 2, 2)
    instrument = store_session(day)
    first = datetime(2026, 2, 2, 9, 15, tzinfo=IST)
    bars = Bar.objects.filter(instrument=instrument, time__lt=first + timedelta(minutes=5))
    bars.update(bid=None, ask=None, delta=None, forward=None, iv=None, iv_reason=0, close=1.0)
    known = bars.filter(time=first + timedelta(minutes=2))
    known.update(bid=5.0, ask=None, delta=0.25, forward=25_100.0, iv=None, iv_reason=2)
    bars.filter(time=first).update(ask=7.0, iv=0.2)
    bars.filter(time=first + timedelta(minutes=4)).update(close=None, iv_reason=3)
    roll_up(first=day, last=day)
    bar = BarRollup.objects.get(timeframe="5m", time=first)
    assert (bar.bid, bar.ask) == (5.0, None)
    assert (bar.forward, bar.iv, bar.delta, bar.iv_reason) == (25_100.0, None, 0.25, 2)
    assert bar.close == 1.0
    known.update(delta=None)
    roll_up(first=day, last=day)
    bar.refresh_from_db()
    assert (bar.forward, bar.iv, bar.iv_reason) == (None, None, 3)


@pytest.mark.django_db
def test_a_contract_without_minutes_in_a_bucket_has_no_bar_there() -> None:
    day = date(2026, 2, 2)
    store_session(day)
    late = store_session(day, LATE)
    Bar.objects.filter(instrument=late, time__lt=datetime(2026, 2, 2, 12, 0, tzinfo=IST)).delete()
    roll_up(first=day, last=day)
    assert BarRollup.objects.filter(instrument=late, timeframe="5m").count() == 42
    assert BarRollup.objects.get(instrument=late, timeframe="1d").time == datetime(2026, 2, 2, 9, 15, tzinfo=IST)
    assert_all_equal_to_minutes()


@pytest.mark.django_db
def test_bars_of_a_sessions_former_hours_are_removed_when_it_is_rolled_up_anew() -> None:
    day = date(2026, 2, 2)
    store_session(day)
    roll_up(first=day, last=day)
    session = TradingSession.objects.get(exchange="NSE", date=day)
    SessionInterval.objects.filter(session=session).update(opens_at=datetime(2026, 2, 2, 9, 12, tzinfo=IST))
    roll_up(first=day, last=day)
    assert opens("1h") == ["09:12", "10:12", "11:12", "12:12", "13:12", "14:12", "15:12"]
    assert_all_equal_to_minutes()


# ---------------------------------------------------------------- commands


@pytest.mark.django_db
def test_the_command_rolls_chosen_underlyings_and_days_up(capsys: pytest.CaptureFixture[str]) -> None:
    day = date(2026, 2, 2)
    store_session(day)
    store_session(day, ContractKey("BANKNIFTY", "CE", date(2026, 2, 24), 60_000.0))
    store_session(day + timedelta(days=1))
    call_command("roll_up", "--from", "2026-02-02", "--to", "2026-02-02", "--underlying", "BANKNIFTY")
    assert re.fullmatch(r"rolled up in [\d.]+ s: 121 rows changed\n", capsys.readouterr().out)
    assert set(BarRollup.objects.values_list("instrument__underlying__symbol", flat=True)) == {"BANKNIFTY"}
    call_command("roll_up", "--from", "2026-02-02", "--to", "2026-02-03")
    assert capsys.readouterr().out.endswith(": 242 rows changed\n")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "yesterday"], "'yesterday' is not a date like 2026-02-03"),
        (["--from", "2026-02-03", "--to", "2026-02-02"], "--to 2026-02-02 lies before --from 2026-02-03"),
        (["--from", "2026-02-03", "--underlying", "NOFTY"], "unknown: NOFTY"),
        (["--underlying", "NIFTY"], "need --from"),
    ],
)
def test_what_the_command_cannot_do_it_says(arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=re.escape(said)):
        call_command("roll_up", *arguments)


def test_a_replay_that_waits_has_rolled_up_what_it_stored(server_environment: dict[str, str], tmp_path: Path) -> None:
    path = write(tmp_path, "chain.csv", WITH_SPOT)
    done = manage(server_environment, "replay", str(path), "--speed", "max", "--wait")
    assert done.returncode == 0, done.stderr
    rolled = re.search(r"6 bars stored, (\d+) longer ones rolled up", done.stdout)
    assert rolled is not None, done.stdout
    assert int(rolled[1]) == BarRollup.objects.count() > 0
    assert_all_equal_to_minutes()

"""A hole that was filled leaves a day as if the feed had never stopped."""

from datetime import date
from pathlib import Path

import pytest

from fo_analytics.domain.bars import Flag
from fo_analytics.models import Bar, BarRollup, Underlying
from fo_analytics.replay.recording import ContractKey, RecordedTick, read
from fo_analytics.services.backfill import Outcome, backfill
from fo_analytics.services.instruments import ensure_instruments
from fo_analytics.services.rollups import roll_up_due
from streaming.ticker.client import TickerClient
from tests.api.market import Snapshot, forget_everything, ist
from tests.integration.backfill.day import (
    FIRST,
    LAST,
    MINUTE,
    MONDAY,
    NIGHT,
    NOW,
    QUOTED,
    RARE,
    SPOT,
    SYMBOL,
    Rows,
    candles_of,
    expected,
    forget_bars,
    morning,
    stored,
    traded,
    without_hole,
)  # fmt: skip
from tests.integration.backfill.ticker_service import TickerService
from tests.integration.ingest import pipeline
from tests.integration.ingest.recomputed import MINUTES, assert_all_equal_to_minutes

pytestmark = pytest.mark.usefixtures("db", "redis_url")

AUGUST = date(2025, 8, 29)
CHAIN = "nse_2025_08_29/nifty_option_chain.csv.gz"
BEFORE, BEHIND = FIRST - MINUTE, LAST + MINUTE


@pytest.fixture(autouse=True)
def fresh() -> None:
    """Nothing remembered."""
    forget_everything()


def fill(client: TickerClient, *, day: date = MONDAY, now_ms: int = NOW) -> list[Outcome]:
    """Ask for the holes of a day; the ticks are on the stream then."""
    underlying = Underlying.objects.get(symbol=SYMBOL)
    return list(backfill(underlying=underlying, first=day, last=day, now_ms=now_ms, client=client))


def take_in(snapshots: list[Snapshot]) -> None:
    """Send ticks through a new ingest."""
    pipeline.send(snapshots)
    pipeline.drain()


def spot_tokens() -> set[int]:
    """Return the token of the index."""
    return set(ensure_instruments(keys=[SPOT], seen_on=MONDAY).values())


def outside(rows: dict[tuple[int, int], dict[str, object]], first: int, last: int) -> dict[object, object]:
    """Return the bars that lie outside of some minutes."""
    return {key: row for key, row in rows.items() if not first <= key[1] <= last}


def test_a_repaired_day_is_the_unbroken_one_but_for_what_candles_cannot_say(
    ticker: TickerService, client: TickerClient
) -> None:
    day = morning()
    take_in(day)
    unbroken = stored()
    forget_bars()
    take_in(without_hole(day))
    assert {row["flags"] for row in stored(BEHIND, BEHIND).values()} >= {int(Flag.CATCH_UP)}
    ticker.candles = candles_of(day)
    (outcome,) = fill(client)
    assert (outcome.hole.first_ms, outcome.hole.last_ms, outcome.hole.minutes) == (FIRST, LAST, 23)
    pipeline.drain()
    repaired = stored()
    assert repaired.keys() == unbroken.keys()
    assert outside(repaired, BEFORE, BEHIND) == outside(unbroken, BEFORE, BEHIND)
    inside = stored(BEFORE, BEHIND)
    assert traded(inside, spot_tokens()) == expected(ticker.candles, BEFORE, BEHIND)
    assert not any(row["flags"] for row in repaired.values())
    assert all(inside[key]["cumulative_volume"] == unbroken[key]["cumulative_volume"] for key in inside)
    assert not fill(client)


def test_volumes_of_a_repaired_day_add_up_to_the_last_cumulative_volume(
    ticker: TickerService, client: TickerClient
) -> None:
    day = morning()
    take_in(without_hole(day))
    ticker.candles = candles_of(day)
    fill(client)
    pipeline.drain()
    last = {tick.key: tick.volume for _, ticks in day for tick in ticks if tick.volume}
    for key, token in ensure_instruments(keys=[*QUOTED, RARE], seen_on=MONDAY).items():
        bars = Bar.objects.filter(instrument__token=token)
        assert sum(volume or 0 for volume in bars.values_list("volume", flat=True)) == last[key]


def test_longer_bars_of_a_repaired_day_are_what_its_minutes_say(ticker: TickerService, client: TickerClient) -> None:
    day = morning()
    take_in(day)
    roll_up_due(wait=True)
    unbroken = days()
    forget_bars()
    BarRollup.objects.all().delete()
    take_in(without_hole(day))
    roll_up_due(wait=True)
    ticker.candles = candles_of(day)
    fill(client)
    pipeline.drain()
    assert roll_up_due(wait=True) > len(MINUTES)
    assert_all_equal_to_minutes()
    assert days() == unbroken


def days() -> list[tuple[object, ...]]:
    """Return what the bars of a day and of its hours say was traded."""
    rows = BarRollup.objects.filter(timeframe__in=("1h", "1d")).order_by("instrument", "timeframe", "time")
    return list(
        rows.values_list("instrument__token", "timeframe", "time", "open", "high", "low", "close", "volume", "oi")
    )


def test_repairing_twice_or_with_every_tick_sent_twice_is_repairing_once(
    ticker: TickerService, client: TickerClient
) -> None:
    day = morning()
    take_in(without_hole(day))
    ticker.candles = candles_of(day)
    fill(client)
    fill(client)  # the first one's ticks are not taken in yet: the hole is still there
    pipeline.drain()
    twice = pipeline.checksums()
    forget_bars()
    take_in(without_hole(day))
    fill(client)
    pipeline.drain()
    assert pipeline.checksums() == twice


def test_an_ingest_that_holds_the_day_in_memory_ends_in_the_rows_of_a_fresh_one(
    ticker: TickerService, client: TickerClient
) -> None:
    day = morning()
    ticker.candles = candles_of(day)
    pipeline.send(without_hole(day))
    service = pipeline.drain()
    fill(client)
    pipeline.drain(service)
    in_memory = pipeline.checksums()
    forget_bars()
    take_in(without_hole(day))
    fill(client)
    pipeline.drain()
    assert pipeline.checksums() == in_memory


def test_real_ticks_that_come_after_the_repair_win_nothing_and_lose_nothing(
    ticker: TickerService, client: TickerClient
) -> None:
    day = morning()
    take_in(without_hole(day))
    ticker.candles = candles_of(day)
    fill(client)
    pipeline.drain()
    take_in(day)
    assert traded(stored(BEFORE, BEHIND), spot_tokens()) == expected(ticker.candles, BEFORE, BEHIND)


@pytest.mark.parametrize("factor", [0.5, 1.5])
def test_volumes_that_disagree_with_the_feed_never_make_the_days_volume_fall(
    ticker: TickerService, client: TickerClient, factor: float
) -> None:
    day = morning()
    take_in(day)
    unbroken = stored()
    forget_bars()
    take_in(without_hole(day))
    ticker.candles = candles_of(day)
    for rows in ticker.candles.values():
        for row in rows:
            row[5] = (row[5] or 0) * factor // 65 * 65
    fill(client)
    pipeline.drain()
    repaired = stored()
    assert all((row["volume"] or 0) >= 0 for row in repaired.values())
    behind = {key: row["cumulative_volume"] for key, row in repaired.items() if key[1] > BEHIND}
    assert behind == {key: unbroken[key]["cumulative_volume"] for key in behind}
    for token in ensure_instruments(keys=QUOTED, seen_on=MONDAY).values():
        bars = [row for key, row in repaired.items() if key[0] == token]
        assert sum(row["volume"] for row in bars) == max(row["cumulative_volume"] for row in bars)


def test_a_session_of_which_nothing_was_stored_is_filled_as_a_whole(
    ticker: TickerService, client: TickerClient
) -> None:
    day = morning()
    ticker.candles = candles_of(day)
    (outcome,) = fill(client, now_ms=NIGHT)
    assert (outcome.contracts, outcome.hole.minutes, outcome.filled) == (8, 375, 120)
    pipeline.drain()
    assert traded(stored(), spot_tokens()) == expected(ticker.candles, 0, NIGHT)
    assert not any(row["flags"] for row in stored().values())


def test_contracts_of_the_session_before_are_asked_for_and_expired_ones_are_not(
    ticker: TickerService, client: TickerClient
) -> None:
    later = ContractKey(SYMBOL, "CE", date(2026, 2, 10), 25_000.0)
    ts = ist("2026-02-03 15:29:50")
    take_in([(ts, [RecordedTick(key, ts, last=10.0, volume=65.0) for key in (QUOTED[0], later)])])
    untouched = ContractKey(SYMBOL, "CE", date(2026, 2, 17), 25_000.0)
    tokens = ensure_instruments(keys=[QUOTED[0], later, untouched, SPOT], seen_on=MONDAY)
    fill(client, day=date(2026, 2, 4), now_ms=ist("2026-02-04 10:00:00"))
    assert {query["tokens"] for query in ticker.asked} == {",".join(map(str, sorted([tokens[later], tokens[SPOT]])))}


def test_nothing_is_filled_behind_a_contracts_expiry(ticker: TickerService, client: TickerClient) -> None:
    monday = date(2026, 8, 3)  # 09:15 to 15:40; contracts stop at 15:30
    expiring = ContractKey(SYMBOL, "CE", date(2026, 8, 4), 25_000.0)
    key_tokens = ensure_instruments(keys=[expiring, SPOT], seen_on=monday)
    opens = ist("2026-08-04 09:15:00")
    flat = [[float(opens + MINUTE * n), 9.0, 9.0, 9.0, 9.0, 65.0, 650.0] for n in range(385)]
    ticker.candles = {token: [[int(row[0]), *row[1:]] for row in flat] for token in key_tokens.values()}
    fill(client, day=date(2026, 8, 4), now_ms=ist("2026-08-04 20:00:00"))
    pipeline.drain()
    last = {token: max(key[1] for key in stored() if key[0] == token) for token in key_tokens.values()}
    assert last == {
        key_tokens[expiring]: ist("2026-08-04 15:29:00"), key_tokens[SPOT]: ist("2026-08-04 15:39:00")
    }  # fmt: skip


@pytest.fixture(scope="module")
def recorded(shared_data: Path) -> list[Snapshot]:
    """Forty minutes with quotes of 29-Aug-2025."""
    return list(read(shared_data / CHAIN))[:40]


def test_minutes_cut_out_of_a_recorded_day_come_back_from_its_candles(
    recorded: list[Snapshot], ticker: TickerService, client: TickerClient
) -> None:
    stops, returns = ist("2025-08-29 09:36:00"), ist("2025-08-29 09:47:00")
    now = recorded[-1][0] // MINUTE * MINUTE + 10 * MINUTE
    take_in(recorded)
    unbroken = stored()
    forget_bars()
    take_in(without_hole(recorded, stops=stops, returns=returns))
    ticker.candles = candles_of(recorded)
    outcomes = fill(client, day=AUGUST, now_ms=now)
    pipeline.drain()
    repaired = stored()
    hole = next(o.hole for o in outcomes if o.hole.first_ms <= stops <= o.hole.last_ms)
    assert (hole.first_ms, hole.last_ms) == (stops, returns - MINUTE)
    edges = {minute for o in outcomes for minute in range(o.hole.from_ms, o.hole.to_ms, MINUTE)}
    assert {k: r for k, r in repaired.items() if k[1] not in edges} == {
        k: r for k, r in unbroken.items() if k[1] not in edges
    }
    filled = expected(ticker.candles, stops, returns - MINUTE)
    assert len(filled) > 2_000
    assert traded({key: repaired[key] for key in filled}, ()) == filled
    assert {key for key in repaired if stops <= key[1] < returns} == filled.keys()
    assert flagged(repaired) == flagged(unbroken)  # minutes that the recording itself lacks


def flagged(rows: Rows) -> set[int]:
    """Return the minutes with bars whose volume is older than they are."""
    return {key[1] for key, row in rows.items() if row["flags"]}

"""Second marks of what is held: right whatever order ticks come in, whoever takes them in, and however often."""

from datetime import date

import numpy as np
import pytest

from fo_analytics import held
from fo_analytics.models import Instrument
from fo_analytics.replay.recording import ContractKey
from fo_analytics.selectors.marks import due_marks, minute_marks, settle_due
from fo_analytics.services.ingest import make_ingest
from fo_analytics.services.instruments import ensure_instruments
from streaming.ticker.stream import TickProducer
from tests.integration.ingest import pipeline
from tests.integration.ingest.test_hardiness import CALL, SPOT, TEN, row
from tradingviz.core.redis import sync_client

pytestmark = pytest.mark.usefixtures("db", "redis_url")

PUT = ContractKey("NIFTY", "PE", date(2026, 2, 3), 25_000.0)
BANK = ContractKey("BANKNIFTY", "CE", date(2026, 2, 24), 60_000.0)
MINUTE = TEN // 1000


@pytest.fixture
def tokens() -> dict[ContractKey, int]:
    """Two contracts of an index, one of another."""
    return ensure_instruments(keys=[CALL, PUT, SPOT, BANK], seen_on=date(2026, 2, 2))


def key_of(tokens: dict[ContractKey, int], contract: ContractKey) -> int:
    """Return an instrument's primary key."""
    return Instrument.objects.get(token=tokens[contract]).pk


def marks(minute: int = MINUTE) -> dict[tuple[int, int], tuple[int, int]]:
    """Return (ts, points) by slot and second of a minute; -1 for before it."""
    records = minute_marks(sync_client(), [minute])[0].records
    found = {
        (int(mark["slot"]), max(int(mark["ts"]) // 1000 - minute, -1)): (int(mark["ts"]), int(mark["price"]))
        for mark in records
    }
    assert len(found) == len(records)
    return found


def test_what_nobody_holds_leaves_no_marks(tokens: dict[ContractKey, int], holding: dict[int, int]) -> None:
    pipeline.send_rows([row(tokens[CALL])])
    pipeline.drain()
    assert sync_client().keys("marks:*") == []


def test_every_second_ends_with_its_newest_price(tokens: dict[ContractKey, int], holding: dict[int, int]) -> None:
    call = key_of(tokens, CALL)
    holding[call] = 1
    pipeline.send_rows(
        [
            row(tokens[CALL], TEN + 200, last=100.0),
            row(tokens[CALL], TEN + 700, last=100.05),
            row(tokens[CALL], TEN + 2_500, last=99.95),
            row(tokens[PUT], TEN + 2_500, last=50.0),
        ]
    )
    pipeline.drain()
    assert marks() == {(2 * call, 0): (TEN + 700, 10_005_000), (2 * call, 2): (TEN + 2_500, 9_995_000)}


def test_of_one_stamp_the_price_of_the_larger_volume_counts_as_in_bars(
    tokens: dict[ContractKey, int], holding: dict[int, int]
) -> None:
    call = key_of(tokens, CALL)
    holding[call] = 1
    for last, volume in ((101.0, 1300.0), (105.0, 650.0)):
        pipeline.send_rows([row(tokens[CALL], last=last, volume=volume)])
        pipeline.drain()  # a new process each time
    assert marks() == {(2 * call, 0): (TEN, 10_100_000)}


def test_a_minute_says_what_was_newest_before_it_of_everything_held(
    tokens: dict[ContractKey, int], holding: dict[int, int]
) -> None:
    call, bank = key_of(tokens, CALL), key_of(tokens, BANK)
    holding.update({call: 1, bank: 1})
    pipeline.send_rows([row(tokens[CALL]), row(tokens[BANK], TEN + 1_000, last=500.0)])
    pipeline.drain()
    service = make_ingest(shard=0)  # it knows nothing of the other index but what is stored
    pipeline.send_rows([row(tokens[SPOT], TEN + 180_000, last=25_050.0)])
    pipeline.drain(service)
    assert marks(MINUTE + 180) == {
        (2 * call, -1): (TEN, 10_000_000),
        (2 * bank, -1): (TEN + 1_000, 50_000_000),
    }


def test_a_late_tick_reaches_the_minutes_after_it(tokens: dict[ContractKey, int], holding: dict[int, int]) -> None:
    call = key_of(tokens, CALL)
    holding[call] = 1
    service = make_ingest(shard=0)
    for ts in (TEN, TEN + 120_000):
        pipeline.send_rows([row(tokens[CALL], ts)])
        pipeline.drain(service)
    late = make_ingest(shard=0)
    pipeline.send_rows([row(tokens[CALL], TEN + 30_000, last=90.0)])
    pipeline.drain(late)
    assert marks()[2 * call, 30] == (TEN + 30_000, 9_000_000)
    for minute in (MINUTE + 60, MINUTE + 120):
        assert marks(minute)[2 * call, -1] == (TEN + 30_000, 9_000_000)


def test_ticks_that_fill_a_hole_and_ticks_outside_the_session_leave_no_marks(
    tokens: dict[ContractKey, int], holding: dict[int, int]
) -> None:
    holding[key_of(tokens, CALL)] = 1
    closes = TEN + 5 * 3_600_000 + 30 * 60_000
    TickProducer(sync_client()).send([row(tokens[CALL])], repairs=True)
    pipeline.send_rows([row(tokens[CALL], closes), row(tokens[CALL], closes - 7 * 3_600_000)])
    pipeline.drain()
    assert sync_client().keys("marks:*") == []


def test_a_minute_is_due_until_it_is_settled_and_again_when_marks_come(
    tokens: dict[ContractKey, int], holding: dict[int, int]
) -> None:
    client = sync_client()
    holding[key_of(tokens, CALL)] = 1
    service = make_ingest(shard=0)
    pipeline.send_rows([row(tokens[CALL], TEN + 60_000), row(tokens[CALL])])
    pipeline.drain(service)
    due = due_marks(client, limit=10)
    assert [found.minute for found in due] == [MINUTE, MINUTE + 60]
    assert [found.minute for found in due_marks(client, limit=1)] == [MINUTE]
    assert all(np.array_equal(found.records, minute_marks(client, [found.minute])[0].records) for found in due)
    pipeline.send_rows([row(tokens[CALL], TEN + 61_000)])
    pipeline.drain(service)
    assert settle_due(client, [(found.minute, found.change) for found in due]) == 1
    assert [found.minute for found in due_marks(client, limit=10)] == [MINUTE + 60]


def test_a_minute_is_known_whole_of_what_is_held_since_a_moment_ago(
    tokens: dict[ContractKey, int], holding: dict[int, int]
) -> None:
    """A leg is entered, stored and heard of by ingest in this order; until then its contract was nobody's."""
    call, put = key_of(tokens, CALL), key_of(tokens, PUT)
    holding[call] = 1
    service = make_ingest(shard=0)
    said = [(-200_000, 48.0), (-59_000, 49.0), (0, 50.0), (1_000, 51.0), (30_000, 52.0)]
    for ms, last in said:
        pipeline.send_rows([row(tokens[CALL], TEN + ms), row(tokens[PUT], TEN + ms, last=last)])
        pipeline.drain(service)
    holding[put] = 1
    held.note_held_changed(sync_client())
    service._parts.marks._look_at = 0.0
    pipeline.send_rows([row(tokens[CALL], TEN + 31_000)])
    pipeline.drain(service)
    assert {second: price for (slot, second), (_, price) in marks().items() if slot == 2 * put} == {
        -1: 4_900_000,
        0: 5_000_000,
        1: 5_100_000,
        30: 5_200_000,
    }
    assert {second for slot, second in marks(MINUTE - 60) if slot == 2 * put} == {-1, 1}
    assert not any(slot == 2 * put for slot, _ in marks(MINUTE - 240))

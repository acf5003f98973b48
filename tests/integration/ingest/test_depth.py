"""The order books that ticks bring: the newest of each contract is live, none is kept beyond the process."""

import math
from typing import Any

import pytest

from fo_analytics.ingest.service import IngestService
from fo_analytics.models import Bar
from fo_analytics.replay.recording import ContractKey
from fo_analytics.services.ingest import make_ingest
from fo_analytics.services.instruments import ensure_instruments
from fo_analytics.topics import depth_topic
from streaming.state import State, frames_key, read_state
from streaming.ticker.codec import TickRow
from streaming.ticker.stream import TickProducer
from tests.integration.ingest import pipeline
from tests.integration.ingest.test_hardiness import CALL, SPOT, TEN, dropped, row
from tradingviz.core.redis import sync_client

pytestmark = pytest.mark.usefixtures("db", "redis_url")

PUT = ContractKey("NIFTY", "PE", CALL.expiry, 25_000.0)
TOPIC = depth_topic("NIFTY", str(CALL.expiry))
BIDS, ASKS = [[99.9, 65, 1], [99.85, 130, None]], [[100.1, 195, 3]]


@pytest.fixture
def tokens() -> dict[ContractKey, int]:
    """A call, a put and their index."""
    assert CALL.expiry is not None
    return ensure_instruments(keys=[CALL, PUT, SPOT], seen_on=CALL.expiry)


def quoted(token: int, ts: int = TEN, *, depth: object = (BIDS, ASKS), **changes: float) -> TickRow:
    """Return a good tick with a book."""
    return (*row(token, ts, **changes)[:9], depth)


def take_in(*batches: list[TickRow], service: IngestService | None = None) -> IngestService:
    """Send batches, one after the other, to an ingest; return it."""
    service = service or make_ingest(shard=0)
    for batch in batches:
        pipeline.send_rows(batch)
        pipeline.drain(service)
    return service


def live() -> State:
    """Return what is published of the expiry's books."""
    state = read_state(sync_client(), TOPIC)
    assert state is not None
    return state


def call() -> dict[str, Any]:
    """Return the call's published book."""
    return dict(live().document["contracts"]["25000"]["call"])


def test_the_book_of_a_tick_is_live_as_it_came(tokens: dict[ContractKey, int]) -> None:
    take_in([quoted(tokens[CALL]), quoted(tokens[PUT], depth=[[], []]), row(tokens[SPOT], last=25_000.0)])
    assert call() == {"ts": TEN, "bids": BIDS, "asks": ASKS}
    assert live().document["contracts"]["25000"]["put"] == {"ts": TEN, "bids": [], "asks": []}
    head = live().document["head"]
    assert (head["underlying"], head["expiry"], head["ts_event"]) == ("NIFTY", str(CALL.expiry), TEN)
    assert live().ts_event == TEN


def test_the_newest_stamp_counts_and_then_the_volume_whatever_the_order(tokens: dict[ContractKey, int]) -> None:
    token = tokens[CALL]
    older = quoted(token, TEN, depth=[[[1.0, 65, 1]], []])
    newer = quoted(token, TEN + 1000, depth=[[[2.0, 65, 1]], []], volume=1300.0)
    newest = quoted(token, TEN + 1000, depth=[[[3.0, 65, 1]], []], volume=1365.0)
    for batches in ([[older, newer, newest]], [[newest, newer], [older]], [[newest], [older, newest], [newer]]):
        sync_client().flushall()
        take_in(*batches)
        assert call()["bids"] == [[3.0, 65, 1]]
        assert call()["ts"] == TEN + 1000


def test_a_book_survives_ticks_without_one(tokens: dict[ContractKey, int]) -> None:
    service = take_in([quoted(tokens[CALL])])
    before = live()
    take_in([row(tokens[CALL], TEN + 60_000, last=101.0)], service=service)
    assert live() == before


def test_junk_is_counted_and_its_tick_counts(tokens: dict[ContractKey, int]) -> None:
    service = take_in(
        [quoted(tokens[CALL], depth="junk"), quoted(tokens[PUT])],
        [quoted(tokens[CALL], TEN + n, depth=[[[price, 65, 1]], []]) for n, price in enumerate((math.nan, -1.0, 1e9))],
    )
    assert dropped(service) == {"malformed_depth": 4}
    assert "call" not in live().document["contracts"]["25000"]
    assert Bar.objects.get(instrument__token=tokens[CALL]).close == 100.0


def test_the_best_level_is_the_quote_of_a_tick_that_says_none(tokens: dict[ContractKey, int]) -> None:
    unsaid: Any = dict.fromkeys(("bid", "bid_qty", "ask", "ask_qty"))
    take_in([quoted(tokens[CALL], **unsaid), quoted(tokens[PUT], bid=1.0, bid_qty=2.0, ask=3.0, ask_qty=4.0)])
    bars = {bar.instrument.kind: (bar.bid, bar.bid_qty, bar.ask, bar.ask_qty) for bar in Bar.objects.all()}
    assert bars == {"CE": (99.9, 65.0, 100.1, 195.0), "PE": (1.0, 2.0, 3.0, 4.0)}


def test_an_ingest_that_begins_again_knows_no_books_and_says_so(tokens: dict[ContractKey, int]) -> None:
    first = take_in([quoted(tokens[CALL]), quoted(tokens[PUT])])
    before = live()
    first._parts.ownership.release()
    service = make_ingest(shard=0, clock=lambda: before.document["head"]["since"] + 1000)
    service.step()
    after = live()
    assert (after.document["contracts"], after.ts_event) == ({}, TEN)
    assert after.document["head"]["since"] == before.document["head"]["since"] + 1000
    take_in([quoted(tokens[PUT], TEN + 1000)], service=service)
    assert [*live().document["contracts"]["25000"]] == ["put"]


def test_books_are_published_at_most_once_a_second_and_only_when_they_changed(
    tokens: dict[ContractKey, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("fo_analytics.ingest.live_depth.time.monotonic", lambda: now[0])
    service = make_ingest(shard=0)
    published = []
    for step, bid in ((0.0, 1.0), (0.6, 2.0), (0.3, 3.0), (0.2, 3.0), (5.0, 3.0), (0.1, 4.0)):
        now[0] += step
        pipeline.send_rows([quoted(tokens[CALL], depth=[[[bid, 65, 1]], []])])
        service.step()
        service._parts.live.publish_next(service._parts.engine.desks, every=0.0)
        published.append(call()["bids"][0][0])
    assert published == [1.0, 1.0, 1.0, 3.0, 3.0, 4.0]
    assert sync_client().xlen(frames_key(TOPIC)) == 3


def test_books_that_fill_holes_of_the_past_are_not_live(tokens: dict[ContractKey, int]) -> None:
    service = take_in([quoted(tokens[CALL])])
    TickProducer(sync_client()).send([quoted(tokens[CALL], TEN + 60_000, depth=[[], []])], repairs=True)
    pipeline.drain(service)
    assert call()["ts"] == TEN

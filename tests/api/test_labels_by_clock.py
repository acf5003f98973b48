"""What labels mean live: an expiry is over when its instant has passed by the clock, whether anything ticks or not."""

from collections.abc import Callable
from typing import Any

import pytest

from fo_analytics.api import keeping
from fo_analytics.replay.player import play
from fo_analytics.selectors import strike_distribution
from fo_analytics.services.ingest import make_ingest
from fo_analytics.services.instruments import ensure_instruments
from streaming.ticker.stream import TickProducer, TickStreams
from tests.api.asking import Asker
from tests.api.market import FAR, NEAR, ist, list_contracts, snapshot, take_in
from tradingviz.core.redis import sync_client

pytestmark = pytest.mark.usefixtures("empty")

LAST_TICK = ist("2026-02-03 15:29:50")
DURING = LAST_TICK + 1_000
REPLAYED = ist("2026-03-02 11:00:00")

SetClock = Callable[[int], None]


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Return a function that tells the server what time it is (ms UTC)."""

    def set_(now: int) -> None:
        for module in (strike_distribution, keeping):
            monkeypatch.setattr(module, "now_ms", lambda: now)

    return set_


def trade(*, began: int) -> None:
    """Let an ingest that began at an instant take in the last ticks of the expiry day."""
    list_contracts()
    for _ in play(
        [snapshot(LAST_TICK)],
        TickStreams(sync_client(), shards=1),
        lambda keys, day: ensure_instruments(keys=keys, seen_on=day),
        speed=None,
    ):
        pass
    take_in(make_ingest(shard=0, clock=lambda: began), TickProducer(sync_client()))


def first(ask: Asker) -> list[Any]:
    """Return what every question takes for the first expiry."""
    depth = ask("/fo/depth", underlying="NIFTY", expiry="NWeek+0").body
    chains = [ask.chains(), ask.chains(expiry="NWeek+0")]
    labelled = [ask("/fo/expiries", underlying="NIFTY"), ask("/fo/snapshot", underlying="NIFTY")]
    everything = ask("/fo/term-structure", underlying="NIFTY").body["expiries"]
    return [
        depth["expiry"],
        *(answer.chain["expiry"] for answer in chains),
        *(answer.body["expiries"][0]["expiry"] for answer in labelled),
        everything[0]["expiry"],
    ]


@pytest.mark.parametrize(
    ("now", "expiry"),
    [
        ("2026-02-03 15:29:59", NEAR),
        ("2026-02-03 15:30:00", FAR),
        ("2026-02-03 23:00:00", FAR),
        ("2026-02-04 08:00:00", FAR),
        ("2026-02-04 09:20:00", FAR),
        ("2026-02-09 12:00:00", FAR),
    ],
)
def test_an_expiry_is_over_by_the_clock_though_nothing_ticks_any_more(
    ask: Asker, set_clock: SetClock, now: str, expiry: object
) -> None:
    trade(began=DURING)
    set_clock(ist(now))
    assert first(ask) == [str(expiry)] * 6


def test_the_first_label_is_that_of_the_expiry_shown_and_the_market_keeps_its_instant(
    ask: Asker, set_clock: SetClock
) -> None:
    trade(began=DURING)
    set_clock(ist("2026-02-03 15:31:00"))
    answer = ask.chains()
    assert (answer.chain["labels"][0], answer.chain["source"]) == ("NWeek+0", "live")
    assert answer.body["ts_event"] == answer.chain["ts_event"] == LAST_TICK
    assert ask.chains(expiry=NEAR.isoformat()).chain["labels"] == []


@pytest.mark.parametrize("later_ms", [0, 60_000, 86_400_000, 300 * 86_400_000])
def test_a_replayed_day_keeps_its_labels_whatever_the_clock_says(
    ask: Asker, set_clock: SetClock, later_ms: int
) -> None:
    trade(began=REPLAYED)
    set_clock(REPLAYED + later_ms)
    assert first(ask) == [NEAR.isoformat()] * 6


def test_an_ingest_that_began_again_after_the_close_replays_nothing(ask: Asker, set_clock: SetClock) -> None:
    trade(began=ist("2026-02-03 18:00:00"))
    for now in ("2026-02-03 19:00:00", "2026-02-04 09:20:00"):
        set_clock(ist(now))
        assert first(ask) == [FAR.isoformat()] * 6


def test_a_kept_answer_ends_with_the_expiry(
    ask: Asker, set_clock: SetClock, pass_time: Callable[[float], None]
) -> None:
    trade(began=DURING)
    set_clock(ist("2026-02-03 15:29:55"))
    assert ask.chains().chain["expiry"] == NEAR.isoformat()
    pass_time(5.0)
    set_clock(ist("2026-02-03 15:30:00"))
    assert ask.chains().chain["expiry"] == FAR.isoformat()

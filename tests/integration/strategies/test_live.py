"""What follows from a pass: frames for those who watch, and alerts that fire once, on fresh data alone."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import TradingAccount
from fo_analytics.domain.calendar import IST, from_ms, to_ms
from fo_analytics.models import Instrument
from fo_analytics.services.ingest import make_ingest
from strategies.domain.alerts import Condition
from strategies.models import Alert, Fill, Leg, Strategy, StrategyCandle
from strategies.pass_record import read_passes
from strategies.selectors.m2m import m2m_documents
from strategies.services import live
from strategies.services.live import fire, show_first, show_live
from strategies.tasks import recalculate_m2m
from strategies.topics import m2m_topic
from streaming.publisher import Publisher
from streaming.state import State, read_state
from streaming.watched import BELIEVED_MS, WATCHED
from tests.integration.ingest import pipeline
from tests.integration.ingest.test_hardiness import row
from tests.integration.strategies.listed import strategy_on
from tradingviz.core.redis import sync_client

TEN = datetime(2026, 2, 2, 10, 0, tzinfo=IST)
NOW = to_ms(TEN) + 2_000


@pytest.fixture
def strategy(account: TradingAccount) -> int:
    """A straddle: two lots of each sold, at 140.50 and 120.25."""
    return strategy_on(account)


@pytest.fixture(autouse=True)
def publisher() -> Iterator[None]:
    """Each test's process has published nothing yet."""
    live._publisher.cache_clear()
    yield
    live._publisher.cache_clear()


def tick(call: float, put: float, *, seconds: float = 0) -> None:
    """Let both contracts trade so many seconds after ten."""
    ts = to_ms(TEN + timedelta(seconds=seconds))
    near = Instrument.objects.filter(underlying__symbol="NIFTY", strike=25_700, expiry="2026-02-03")
    tokens = {instrument.kind: instrument.token for instrument in near}
    spot = Instrument.objects.get(underlying__symbol="NIFTY", kind="SPOT").token
    rows = [row(tokens[kind], ts, last=last) for kind, last in (("CE", call), ("PE", put)) if last]
    pipeline.send_rows([*rows, row(spot, ts, last=25_700.0, bid=0, ask=0, volume=0, oi=0)])
    pipeline.drain(make_ingest(shard=0))


def watch(strategy: int, at_ms: int = NOW) -> None:
    """Announce that somebody watches."""
    sync_client().zadd(WATCHED, {m2m_topic(strategy): at_ms})


def shown(strategy: int) -> State | None:
    """Return what was published."""
    return read_state(sync_client(), m2m_topic(strategy))


def alert(strategy: int, condition: Condition, threshold: str, since: datetime = TEN) -> Alert:
    """Set one."""
    return Alert.objects.create(
        strategy_id=strategy, condition=condition.value, threshold=Decimal(threshold), since=since
    )


def test_what_is_watched_is_published_as_rest_says_it_and_nothing_else(account: TradingAccount, strategy: int) -> None:
    other = strategy_on(account)
    tick(100.0, 150.5)
    watch(strategy)
    assert show_live(sync_client(), now_ms=NOW) == 1
    state = shown(strategy)
    assert state is not None
    assert state.document == m2m_documents(strategy_ids=[strategy], now_ms=NOW)[strategy]
    assert state.document["value"] == "1332.50"
    assert shown(other) is None


def test_what_nobody_watched_is_shown_to_the_first_at_once_and_goes_on_in_the_same_epoch(strategy: int) -> None:
    tick(100.0, 150.5)
    assert show_first(sync_client(), strategy_id=strategy, now_ms=NOW) == 1
    first = shown(strategy)
    assert first is not None
    assert first.document == m2m_documents(strategy_ids=[strategy], now_ms=NOW)[strategy]
    watch(strategy)
    tick(101.0, 150.5, seconds=1)
    assert show_first(sync_client(), strategy_id=strategy, now_ms=NOW) == 0
    assert shown(strategy) == first
    assert show_live(sync_client(), now_ms=NOW) == 1
    second = shown(strategy)
    assert second is not None
    assert (second.epoch, second.seq) == (first.epoch, first.seq + 1)


def test_who_stopped_watching_is_forgotten(strategy: int) -> None:
    tick(100.0, 150.5)
    watch(strategy, NOW - BELIEVED_MS - 1)
    assert show_live(sync_client(), now_ms=NOW) == 0
    assert sync_client().zcard(WATCHED) == 0


def test_workers_take_turns_in_one_epoch_without_a_hole(strategy: int) -> None:
    watch(strategy)
    seen: list[tuple[int, int]] = []
    for turn in range(6):
        live._publisher.cache_clear()  # another worker
        tick(100.0 + turn, 150.5, seconds=turn)
        show_live(sync_client(), now_ms=NOW)
        state = shown(strategy)
        assert state is not None
        seen.append((state.epoch, state.seq))
    assert seen == [(seen[0][0], seq) for seq in range(1, 7)]


def test_who_is_late_adds_nothing(strategy: int) -> None:
    watch(strategy)
    tick(100.0, 150.5)
    show_live(sync_client(), now_ms=NOW)
    late = Publisher(sync_client())
    late.adopt([m2m_topic(strategy)])
    tick(101.0, 150.5, seconds=1)
    show_live(sync_client(), now_ms=NOW)
    before = shown(strategy)
    with pytest.raises(Exception, match="another publisher"):
        late.publish(m2m_topic(strategy), {"value": "old"}, ts_event=1, convention="exact")
    assert shown(strategy) == before


def test_an_alert_fires_once_with_the_value_that_met_it(strategy: int) -> None:
    set_ = alert(strategy, Condition.AT_LEAST, "1332.50")
    tick(100.0, 150.5)
    for _ in range(2):
        show_live(sync_client(), now_ms=NOW)
    set_.refresh_from_db()
    assert (set_.fired_value, set_.fired_at) == (Decimal("1332.50"), from_ms(NOW))
    tick(50.0, 50.0, seconds=1)
    show_live(sync_client(), now_ms=NOW)
    fired = Alert.objects.get(pk=set_.pk)
    assert fired.fired_value == Decimal("1332.50")


def test_of_two_workers_that_see_the_same_one_fires_it(strategy: int) -> None:
    alert(strategy, Condition.AT_MOST, "2000")
    tick(100.0, 150.5)
    documents = m2m_documents(strategy_ids=[strategy], now_ms=NOW)
    waiting = [list(Alert.objects.filter(fired_at=None)) for _ in range(2)]
    assert [fire(alerts, documents, now_ms=NOW) for alerts in waiting] == [1, 0]


@pytest.mark.parametrize(
    ("condition", "threshold", "since_s", "now_s"),
    [
        (Condition.AT_LEAST, "1332.51", 0, 2),  # a paisa short
        (Condition.AT_MOST, "1332.49", 0, 2),
        (Condition.AT_LEAST, "0", 3, 2),  # for values of later
        (Condition.AT_LEAST, "0", 0, 61),  # the value is old
        (Condition.AT_LEAST, "0", 0, -1),  # the value is of the future
    ],
)
def test_an_alert_does_not_fire_on_what_does_not_meet_it(
    strategy: int, condition: Condition, threshold: str, since_s: int, now_s: int
) -> None:
    alert(strategy, condition, threshold, TEN + timedelta(seconds=since_s))
    tick(100.0, 150.5)
    show_live(sync_client(), now_ms=to_ms(TEN) + now_s * 1000)
    assert Alert.objects.filter(fired_at=None).count() == 1


def test_an_alert_does_not_fire_while_a_leg_has_no_fresh_price(strategy: int) -> None:
    alert(strategy, Condition.AT_LEAST, "0")
    tick(100.0, 110.0)
    tick(90.0, 0, seconds=61)
    show_live(sync_client(), now_ms=to_ms(TEN) + 62_000)
    assert Alert.objects.filter(fired_at=None).count() == 1


def test_an_alert_of_a_strategy_that_is_not_active_waits(strategy: int) -> None:
    alert(strategy, Condition.AT_LEAST, "0")
    Strategy.objects.filter(pk=strategy).update(status="paused")
    tick(100.0, 110.0)
    show_live(sync_client(), now_ms=NOW)
    assert Alert.objects.filter(fired_at=None).count() == 1


def test_the_frame_tells_what_fired(strategy: int) -> None:
    set_ = alert(strategy, Condition.AT_LEAST, "0")
    watch(strategy)
    tick(100.0, 150.5)
    show_live(sync_client(), now_ms=NOW)
    state = shown(strategy)
    assert state is not None
    assert state.document["alerts"][str(set_.pk)] == {
        "condition": "at_least",
        "threshold": "0.00",
        "fired_ts": NOW,
        "fired_value": "1332.50",
    }


def test_a_pass_tells_what_it_did(strategy: int) -> None:
    assert read_passes(sync_client()) == {"due": 0.0}
    tick(100.0, 150.5)
    assert read_passes(sync_client()) == {"due": 1.0}
    written = recalculate_m2m()
    told = read_passes(sync_client())
    assert (told["passes"], told["candles"], told["strategies"], told["due"]) == (1, written, 1, 0)
    assert 0 < told["seconds"] < 10
    recalculate_m2m()
    assert read_passes(sync_client())["passes"] == 1


def test_the_candles_of_a_strategy_go_with_its_account(account: TradingAccount, strategy: int) -> None:
    tick(100.0, 150.5)
    recalculate_m2m()
    assert StrategyCandle.objects.filter(strategy_id=strategy).exists()
    account.delete()
    assert not StrategyCandle.objects.filter(strategy_id=strategy).exists()


def test_a_strategy_whose_history_became_impossible_keeps_no_other_from_being_shown(
    account: TradingAccount, strategy: int
) -> None:
    other = strategy_on(account)
    leg = Leg.objects.filter(strategy=strategy).first()
    assert leg is not None
    Fill.objects.create(leg=leg, direction="exit", lots=50, price=Decimal(1), at=TEN)  # more than is open
    tick(100.0, 150.5)
    watch(strategy)
    watch(other)
    show_live(sync_client(), now_ms=NOW)
    documents = [state.document for pk in (strategy, other) if (state := shown(pk))]
    assert [(document["value"], document["reason"]) for document in documents] == [
        (None, "impossible_history"),
        ("1332.50", None),
    ]

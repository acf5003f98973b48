"""A calendar spread in the simulated market, over the expiry of its near leg and into the next day.

Every candle against a recomputation of its own, in Decimal, from the very ticks that were put onto the stream.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest

from accounts.models import User
from fo_analytics.domain.calendar import IST, MINUTE_MS, to_ms
from fo_analytics.ingest.service import IngestService
from fo_analytics.models import Instrument, OfficialClose, Underlying
from fo_analytics.services.ingest import make_ingest
from fo_analytics.services.sessions import ensure_simulated_sessions
from strategies.domain.m2m import PriceSource
from strategies.models import Leg, Strategy
from strategies.selectors.m2m import m2m_documents
from strategies.services.settlement import settle_expired
from streaming.ticker.codec import decode
from streaming.ticker.stream import FIELD, stream_key
from tests.integration.ingest.conftest import module_market as module_market
from tests.integration.strategies.entered import rupees
from tests.integration.strategies.passes import recalculate_all, remake_all
from tests.integration.strategies.recorded import Candle
from tests.rig.strategies import Trade, exit_leg, option, strategy_of
from tradingviz.core.cache import forget_all
from tradingviz.core.redis import sync_client
from tradingviz.quickstart.simulator.feed import Feed
from tradingviz.quickstart.simulator.listing import CALL, SPOT, token_of
from tradingviz.quickstart.simulator.market import FRAME_MS, Market

NEAR, FAR, STRIKE, LOT = date(2026, 11, 24), date(2026, 12, 1), 26_000.0, 65
EXPIRES = datetime(2026, 11, 24, 23, 59, tzinfo=IST)
BEGINS, ENDS = EXPIRES - timedelta(minutes=3), EXPIRES + timedelta(minutes=3)
ENTERED, EXITED = BEGINS + timedelta(seconds=20), BEGINS + timedelta(seconds=100)
NEAR_PRICE, FAR_PRICE, EXIT_PRICE = Decimal("31.15"), Decimal("163.45"), Decimal("160.05")
SPOT_TOKEN = token_of(0, SPOT, None, 0)
NEAR_TOKEN, FAR_TOKEN = (token_of(0, CALL, expiry, STRIKE) for expiry in (NEAR, FAR))
Ticks = list[tuple[int, int, Decimal]]
"""Token, stamp (ms UTC), last price."""


@dataclass
class Run:
    """The simulator's feed and an ingest, both at the same made-up now; what was sent is kept."""

    now: int = to_ms(BEGINS)
    sent: Ticks = field(default_factory=list)

    def __post_init__(self) -> None:
        self.feed = Feed(Market(seed=1), sync_client(), clock=lambda: self.now)
        self.feed.tokens = frozenset({SPOT_TOKEN, NEAR_TOKEN, FAR_TOKEN})
        self.ingest: IngestService = make_ingest(shard=0, clock=lambda: self.now)

    def to(self, until: datetime) -> None:
        """Let the market go on, with a pass every 20 seconds."""
        while self.now < to_ms(until):
            end = min(self.now + 20_000, to_ms(until))
            for frame in range(self.now // FRAME_MS, end // FRAME_MS):
                self.feed.send(frame, since=frame)
            self.now = end
            self.sent += on_the_stream()
            self._ingest_everything()
            recalculate_all()

    def _ingest_everything(self) -> None:
        """Take what waits; of the minute that goes on, too, which by the clock of this run has not ended."""
        self.ingest.step()
        while self.ingest.read():
            pass
        self.ingest.flush()
        forget_all()

    def end(self) -> None:
        """Let go of the shard."""
        self.ingest.stop()
        self.ingest.run()

    def settle(self, at: datetime) -> int:
        """Settle what is known at an instant."""
        return settle_expired(now_ms=to_ms(at))


def on_the_stream() -> Ticks:
    """Return what waits to be ingested."""
    entries: Any = sync_client().xrange(stream_key(0))
    batches = [decode(fields[FIELD]) for _, fields in entries]
    return [
        (token, ts, Decimal(str(last)))
        for batch in batches
        for token, ts, last in zip(batch.token.tolist(), batch.ts.tolist(), batch.last.tolist(), strict=True)
    ]


def list_calls() -> None:
    """Put NIFTY with two calls and the simulator's days into the master."""
    ensure_simulated_sessions(first=NEAR - timedelta(days=1), last=FAR)
    nifty = Underlying.objects.create(symbol="NIFTY", exchange="NSE")
    Instrument.objects.create(underlying=nifty, kind="SPOT", token=SPOT_TOKEN, tradingsymbol="NIFTY 50")
    for token, expiry in ((NEAR_TOKEN, NEAR), (FAR_TOKEN, FAR)):
        Instrument.objects.create(
            underlying=nifty, kind="CE", token=token, tradingsymbol=f"NIFTY{expiry:%y%m%d}26000CE", expiry=expiry,
            strike=Decimal(STRIKE), lot_size=LOT, valid_from=date(2026, 11, 1), valid_to=expiry,
        )  # fmt: skip


def enter() -> Strategy:
    """Sell two lots of the near call, buy two of the far one."""
    near, far = (option("NIFTY", expiry, STRIKE, "CE") for expiry in (NEAR, FAR))
    trades = [Trade(near, "SELL", 2, NEAR_PRICE, ENTERED), Trade(far, "BUY", 2, FAR_PRICE, ENTERED)]
    return strategy_of(User.objects.create_user("owner"), trades, name="calendar")


@pytest.fixture(scope="module")
def market(module_market: None) -> Run:
    """The market three minutes before the expiry to three after it, one far lot sold before: once for all tests."""
    list_calls()
    spread, run = enter(), Run()
    run.to(EXITED)
    exit_leg(Leg.objects.get(strategy=spread, side="BUY"), lots=1, price=EXIT_PRICE, at=EXITED)
    run.to(ENDS)
    run.end()
    return run


@pytest.fixture
def over(market: Run, db: None) -> Run:
    """The same for one test; nothing is settled."""
    return market


@pytest.fixture
def spread(over: Run) -> Strategy:
    """Two lots of the near call sold, two of the far one bought, of which one was sold again before the expiry."""
    return Strategy.objects.get()


def worth(near: Decimal | None, far: Decimal, close: Decimal | None, at: int) -> Decimal:
    """Return the value at prices, rupees; `close` is what the near leg was settled by, once it is."""
    settled = None if close is None else max(close - Decimal(STRIKE), Decimal(0))
    price = near if settled is None else settled
    assert price is not None
    exited = at >= to_ms(EXITED)
    open_far = (1 if exited else 2) * LOT * (far - FAR_PRICE)
    total = -2 * LOT * (price - NEAR_PRICE) + open_far + (LOT * (EXIT_PRICE - FAR_PRICE) if exited else 0)
    return total.quantize(Decimal("0.01"), ROUND_HALF_EVEN)


def values(sent: Ticks, close: Decimal) -> Iterator[tuple[int, Decimal]]:
    """Yield second (Unix) and value, of every second in which a leg ticked or something was traded."""
    last: dict[int, Decimal] = {}
    seen: dict[int, dict[int, Decimal]] = {second: {} for second in (int(ENTERED.timestamp()), int(EXITED.timestamp()))}
    for token, ts, price in sorted(sent, key=lambda tick: tick[1]):
        seen.setdefault(ts // 1000, {})[token] = price
    for second in sorted(seen):
        legs = {token: price for token, price in seen[second].items() if token != SPOT_TOKEN}
        last |= legs
        happened = legs or second in (int(ENTERED.timestamp()), int(EXITED.timestamp()))
        if second >= int(ENTERED.timestamp()) and happened:
            over = second >= int(EXPIRES.timestamp())
            yield second, worth(last.get(NEAR_TOKEN), last[FAR_TOKEN], close if over else None, second * 1000)


def expected(sent: Ticks, close: Decimal) -> dict[datetime, Candle]:
    """Return the candles that the ticks say, by the minute's open (naive IST)."""
    found: dict[datetime, list[Decimal]] = {}
    for second, value in values(sent, close):
        minute = datetime.fromtimestamp(second - second % 60, IST).replace(tzinfo=None)
        found.setdefault(minute, []).append(value)
    return {minute: (of[0], max(of), min(of), of[-1]) for minute, of in found.items()}


def spots(sent: Ticks) -> list[tuple[int, Decimal]]:
    """Return stamps and prices of the index."""
    return [(ts, price) for token, ts, price in sent if token == SPOT_TOKEN]


def test_the_simulator_tells_the_official_close_in_the_last_minute_of_its_day(over: Run) -> None:
    after = [price for ts, price in spots(over.sent) if to_ms(EXPIRES) <= ts < to_ms(EXPIRES) + MINUTE_MS]
    assert len(after) > 20
    assert len(set(after)) == 1
    assert [close.price for close in OfficialClose.objects.all()] == [float(after[0])]
    assert {token for token, ts, _ in over.sent if to_ms(EXPIRES) <= ts < to_ms(EXPIRES) + MINUTE_MS} == {SPOT_TOKEN}
    assert {token for token, ts, _ in over.sent if ts >= to_ms(EXPIRES) + MINUTE_MS} == {SPOT_TOKEN, FAR_TOKEN}


def test_every_candle_before_and_after_the_expiry_is_what_the_ticks_say(spread: Strategy, over: Run) -> None:
    official = Decimal(str(OfficialClose.objects.get().price))
    last = [price for ts, price in spots(over.sent) if ts < to_ms(EXPIRES)][-1]
    assert official not in {last, Decimal(STRIKE)}
    assert official > Decimal(STRIKE)  # else both settle at nothing
    assert over.settle(EXPIRES - timedelta(seconds=1)) == 0
    assert over.settle(ENDS) == 1
    remake_all()
    provisional = Leg.objects.get(strategy=spread, side="SELL")
    assert (provisional.settlement_source, provisional.settlement_is_provisional) == ("last_spot", True)
    assert over.settle(EXPIRES + timedelta(minutes=15)) == 1
    remake_all()
    wanted = expected(over.sent, official)
    assert len(wanted) == 3 + 2  # nothing is open in the minute after the close
    assert rupees(spread) == wanted
    assert rupees(spread) != expected(over.sent, last)
    assert not spread.candles.filter(from_bars=True).exists()
    assert over.settle(EXPIRES + timedelta(hours=2)) == 0


def test_the_near_leg_realises_its_intrinsic_value_and_the_far_leg_goes_on(spread: Strategy, over: Run) -> None:
    official = Decimal(str(OfficialClose.objects.get().price))
    over.settle(EXPIRES + timedelta(minutes=15))
    (document,) = m2m_documents(strategy_ids=[spread.pk], now_ms=to_ms(ENDS)).values()
    near, far = (document["legs"][str(leg.pk)] for leg in spread.legs.order_by("side").reverse())
    realised = (-2 * LOT * (official - Decimal(STRIKE) - NEAR_PRICE)).quantize(Decimal("0.01"))
    amounts = (near["units"], near["value"], near["realised"], near["unrealised"])
    assert amounts == (0, f"{realised}", f"{realised}", "0.00")
    price = [price for token, _, price in over.sent if token == FAR_TOKEN][-1]
    assert (far["units"], far["price"], far["price_source"]) == (LOT, f"{price:.2f}", PriceSource.LAST)
    assert far["fresh"] is True
    parts = [sum(Decimal(leg[part]) for leg in (near, far)) for part in ("value", "realised", "unrealised")]
    assert parts == [Decimal(document[part]) for part in ("value", "realised", "unrealised")]
    assert Decimal(document["value"]) == Decimal(document["realised"]) + Decimal(document["unrealised"])
    assert Decimal(document["value"]) == list(expected(over.sent, official).values())[-1][3]
    assert document["partial"] is False

"""Second marks are a function of the set of ticks: compared with a plain recomputation, in exact fractions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fo_analytics.domain.calendar import to_ms
from fo_analytics.held import Kinds
from fo_analytics.replay.recording import ContractKey
from fo_analytics.selectors.marks import due_marks
from fo_analytics.services.ingest import make_ingest
from strategies.domain.m2m import PriceSource, Quote, Valuation, price_for
from strategies.domain.money import POINTS
from tests.integration.ingest import pipeline
from tests.integration.ingest.test_hardiness import CALL, SPOT
from tests.integration.ingest.test_marks import BANK, PUT, key_of, marks, tokens
from tradingviz.core.redis import sync_client

__all__ = ["tokens"]  # a fixture

pytestmark = pytest.mark.usefixtures("db", "redis_url", "few_sessions")

OPEN = to_ms(datetime(2026, 2, 2, 3, 45, tzinfo=UTC))
HELD = {CALL: Kinds.LAST, PUT: Kinds.MID, BANK: Kinds.LAST | Kinds.MID}
KEPT_MINUTES = 15
TICK = Decimal("0.05")


@dataclass(frozen=True)
class Tick:
    """One tick of the examples; `at` milliseconds since the open."""

    contract: ContractKey
    at: int
    last: float | None
    volume: float | None
    bid: float | None
    ask: float | None

    @property
    def order(self) -> tuple[int, float]:
        """What ticks are ordered by before their prices are."""
        return OPEN + self.at, self.volume or 0.0

    @property
    def quote_order(self) -> tuple[int, float, float, float]:
        """What quotes are ordered by."""
        return *self.order, self.bid or -1.0, self.ask or -1.0


# Few, so that ticks meet in seconds and stamps.
minutes, seconds = st.sampled_from([0, 0, 1, 2, KEPT_MINUTES]), st.sampled_from([0, 0, 1, 59])
stamps = st.builds(
    lambda minute, second, ms: minute * 60_000 + second * 1_000 + ms, minutes, seconds, st.sampled_from([0, 0, 400])
)
sides = st.sampled_from([None, 0.0, 99.9, 99.95, 100.0, 100.05, 130.0])
ticks = st.builds(
    Tick,
    st.sampled_from([CALL, PUT, BANK, SPOT]),
    stamps,
    st.sampled_from([None, 99.0, 100.0, 100.05, 131.25]),
    st.sampled_from([None, 65.0, 130.0]),
    sides,
    sides,
)
batches = st.lists(
    st.tuples(
        st.lists(ticks, min_size=1, max_size=4), st.sampled_from(["read", "commit", "restart", "commit and restart"])
    )
)


def expected(said: Iterable[Tick], contract: ContractKey, minute: int) -> dict[tuple[int, int], tuple[int, int]]:
    """Return (ts, points) by kind (0 last, 1 mid) and second of a minute, -1 for before it."""
    own = [tick for tick in said if tick.contract == contract]
    found: dict[tuple[int, int], tuple[int, int]] = {}
    begin = OPEN + minute * 60_000
    for second in range(-1, 60):
        until = begin + second * 1_000 + 1_000
        since = until - 1_000 if second >= 0 else 0
        by_then = [tick for tick in own if OPEN + tick.at < until]
        if not any(OPEN + tick.at >= since for tick in by_then):
            continue
        for kind, price in enumerate(_prices(by_then)):
            if HELD[contract] & (kind + 1 if kind else 3) and price and price[0] >= since:
                found[kind, second] = price
    return found


def _prices(own: list[Tick]) -> list[tuple[int, int] | None]:
    """Return stamp and points of the last price and of the mid."""
    last = max((t for t in own if t.last), key=lambda t: (*t.order, t.last or 0), default=None)
    quote = max((t for t in own if not (t.bid is None and t.ask is None)), key=lambda t: t.quote_order, default=None)
    shown = Quote(
        last=Decimal(str(last.last)) if last else None,
        last_ts=last.order[0] if last else 0,
        bid=Decimal(str(quote.bid)) if quote and quote.bid else None,
        ask=Decimal(str(quote.ask)) if quote and quote.ask else None,
        quote_ts=quote.order[0] if quote else 0,
    )
    found: list[tuple[int, int] | None] = []
    for valuation in (Valuation.LAST, Valuation.MID):
        price, source, stamp = price_for(shown, TICK, valuation)
        clamped = valuation is Valuation.MID and source is PriceSource.LAST
        ts = max(stamp, shown.quote_ts) if clamped else stamp
        found.append(None if price is None else (ts, int(price * POINTS)))
    return found


def forget_everything() -> None:
    """Empty Redis and what ticks end in."""
    sync_client().flushall()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM bar; DELETE FROM chain_metric; DELETE FROM rollup_due")


def take_in(said: list[tuple[list[Tick], str]], tokens: dict[ContractKey, int]) -> None:
    """Let ingest read each batch; commit it, or die before that, or go on."""
    service = make_ingest(shard=0)
    for batch, then in said:
        pipeline.send_rows(
            (tokens[t.contract], OPEN + t.at, t.last, t.volume, 65.0, t.bid, 65.0, t.ask, 65.0, None) for t in batch
        )
        if service._own_shard():
            service.read()
        if "commit" in then:
            pipeline.drain(service)
        if "restart" in then:
            service = make_ingest(shard=0)
    pipeline.drain(service)


@settings(
    max_examples=25,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(said=batches)
def test_marks_do_not_depend_on_order_repetition_or_restarts(
    said: list[tuple[list[Tick], str]], tokens: dict[ContractKey, int], holding: dict[int, int]
) -> None:
    keys = {contract: key_of(tokens, contract) for contract in HELD}
    holding.update({keys[contract]: int(kinds) for contract, kinds in HELD.items()})
    forget_everything()
    take_in(said, tokens)
    every = [tick for batch, _ in said for tick in batch]
    due = {(found.minute * 1_000 - OPEN) // 60_000 for found in due_marks(sync_client(), limit=100)}
    for minute in {tick.at // 60_000 for tick in every}:
        wanted = {
            (2 * keys[contract] + kind, second): price
            for contract in HELD
            for (kind, second), price in expected(every, contract, minute).items()
        }
        assert marks(OPEN // 1_000 + minute * 60) == wanted, minute
        assert minute in due or all(second < 0 for _, second in wanted)


def test_the_recomputation_clamps_a_last_price_into_a_wide_quote() -> None:
    tick = Tick(PUT, 0, 131.25, None, 100.0, 130.0)
    assert _prices([tick]) == [(OPEN, 13_125_000), (OPEN, 13_000_000)]

"""A small market known by heart: NIFTY, two expiries, eleven strikes, every volatility 15 %.

It is fed as ticks through the real stream and the real ingest. Prices come from the closed form below and
not from the code under test. Oddities of the first expiry: the 25,500 put was never seen, the 24,500 call is
quoted below its intrinsic value. A third expiry is listed and never ticks.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from statistics import NormalDist

from django.apps import apps
from django.db import connection

from accounts.standing import standings
from fo_analytics.api.keeping import bodies
from fo_analytics.domain.calendar import IST, to_ms
from fo_analytics.freshness import note_everything
from fo_analytics.ingest.service import IngestService
from fo_analytics.models import SessionInterval, TradingSession
from fo_analytics.replay.player import play
from fo_analytics.replay.recording import ContractKey, RecordedTick
from fo_analytics.services.ingest import make_ingest
from fo_analytics.services.instruments import ensure_instruments
from streaming.ticker.stream import TickProducer, TickStreams
from tradingviz.core import cache
from tradingviz.core.redis import shared_client, sync_client

SYMBOL = "NIFTY"
SPOT, SIGMA, RATE, LOT = 25_000.0, 0.15, 0.065, 65
STRIKES = tuple(24_500.0 + 100 * rung for rung in range(11))
NEAR, FAR, SILENT = date(2026, 2, 3), date(2026, 2, 10), date(2026, 3, 31)
UNSEEN = (NEAR, "PE", 25_500.0)
BELOW_INTRINSIC = (NEAR, "CE", 24_500.0)
YEAR_MS = 365 * 86_400_000

Contract = tuple[date, str, float]
Snapshot = tuple[int, list[RecordedTick]]


def ist(text: str) -> int:
    """Return an IST clock time, "2026-02-02 10:00:30", as ms UTC."""
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=IST))


FIRST, LAST = ist("2026-02-02 10:00:30"), ist("2026-02-02 10:02:15")
EXPIRY = ist("2026-02-03 15:30:00")


def forward(expiry: date, ts: int, spot: float = SPOT) -> float:
    """Return the forward of this market, rupees."""
    return spot * math.exp(RATE * _years(expiry, ts))


def fair_price(contract: Contract, ts: int, spot: float = SPOT) -> float:
    """Return the Black-76 price of a contract at 15 %, rupees."""
    expiry, kind, strike = contract
    years = _years(expiry, ts)
    deviation = SIGMA * math.sqrt(years)
    d1 = math.log(forward(expiry, ts, spot) / strike) / deviation + deviation / 2
    sign = 1 if kind == "CE" else -1
    cdf = NormalDist().cdf
    undiscounted = sign * (forward(expiry, ts, spot) * cdf(sign * d1) - strike * cdf(sign * (d1 - deviation)))
    return math.exp(-RATE * years) * undiscounted


def open_interest(contract: Contract) -> float:
    """Return a contract's open interest, units: different for every contract, and in no order of strikes."""
    expiry, kind, strike = contract
    rung = round((strike - STRIKES[0]) / 100)
    return float(LOT * (100 + 10 * (rung * 7 % 11) + (5 if kind == "PE" else 0) + expiry.day))


def traded(contract: Contract, ts: int) -> float:
    """Return the day's volume of a contract at an instant, units."""
    return open_interest(contract) // LOT * LOT * (ts - FIRST + 60_000) // 60_000


def snapshot(
    ts: int,
    *,
    spot: float | None = SPOT,
    strikes: Iterable[float] = STRIKES,
    expiries: Sequence[date] = (NEAR, FAR),
) -> Snapshot:
    """Return the whole market at an instant; without its index where `spot` is None."""
    contracts = [(day, kind, strike) for day in expiries for strike in strikes for kind in ("CE", "PE")]
    ticks = [_tick(contract, ts, spot or SPOT) for contract in contracts if contract != UNSEEN]
    if spot is not None:
        ticks.append(RecordedTick(ContractKey(SYMBOL, "SPOT"), ts, last=spot))
    return ts, ticks


def list_contracts(strikes: Iterable[float] = STRIKES) -> None:
    """Put the market's contracts into the master, the silent ones too."""
    chains = [(day, kind, strike) for day in (NEAR, FAR, SILENT) for strike in strikes for kind in ("CE", "PE")]
    keys = [ContractKey(SYMBOL, "SPOT"), *(_key(contract) for contract in chains)]
    ensure_instruments(keys=keys, seen_on=date(2026, 1, 1))


def feed(snapshots: Iterable[Snapshot]) -> IngestService:
    """Send snapshots over the stream and take them all in; return the ingest that did."""
    producer = TickProducer(sync_client())
    streams = TickStreams(sync_client(), shards=1)
    for _ in play(snapshots, streams, lambda keys, day: ensure_instruments(keys=keys, seen_on=day), speed=None):
        pass
    service = make_ingest(shard=0)
    take_in(service, producer)
    return service


def take_in(service: IngestService, producer: TickProducer) -> None:
    """Work until nothing is left on the stream."""
    while producer.backlog():
        service.step()
        service.flush()


def beat(service: IngestService) -> None:
    """Let an ingest say now, and not within the second, what it has done."""
    service._beat_at = 0.0
    service.step()


def forget_everything() -> None:
    """Let this process know nothing: no remembered reference data, no client of a Redis of before."""
    cache.forget_all()
    bodies().forget()
    standings.forget_all()
    note_everything(sync_client())
    shared_client.cache_clear()


def close_market() -> None:
    """Remove everything but the sessions from the database, and everything from Redis."""
    forget_everything()
    sync_client().flushall()
    models = apps.get_app_config("fo_analytics").get_models()
    tables = [model._meta.db_table for model in models if model not in (TradingSession, SessionInterval)]
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")  # legs are in instruments


def open_market() -> None:
    """List the contracts and feed three minutes of Monday, 2026-02-02."""
    list_contracts()
    feed(snapshot(ts) for ts in (FIRST, FIRST + 60_000, LAST))


def _key(contract: Contract) -> ContractKey:
    expiry, kind, strike = contract
    return ContractKey(SYMBOL, kind, expiry, strike)


def _tick(contract: Contract, ts: int, spot: float) -> RecordedTick:
    price = fair_price(contract, ts, spot)
    if contract == BELOW_INTRINSIC:
        price -= 30.0
    return RecordedTick(
        _key(contract),
        ts,
        last=max(price, 0.05),
        volume=traded(contract, ts),
        oi=open_interest(contract),
        bid=max(price - 0.05, 0.0),
        bid_qty=2.0 * LOT,
        ask=price + 0.05,
        ask_qty=3.0 * LOT,
    )


def _years(expiry: date, ts: int) -> float:
    closing = to_ms(datetime(expiry.year, expiry.month, expiry.day, 15, 30, tzinfo=IST))
    return (closing - ts) / YEAR_MS

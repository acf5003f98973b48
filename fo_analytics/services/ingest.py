"""Puts an ingest process together."""

from django.conf import settings

from fo_analytics.ingest.engine import Engine
from fo_analytics.ingest.live import Live
from fo_analytics.ingest.marks import SecondMarks
from fo_analytics.ingest.master import Master
from fo_analytics.ingest.ownership import Ownership
from fo_analytics.ingest.restore import restore
from fo_analytics.ingest.service import IngestService, Pace, Parts
from fo_analytics.ingest.writer import Writer
from streaming.publisher import Publisher
from streaming.ticker.stream import TickReader, shard_of
from tradingviz.core.clock import Clock, now_ms
from tradingviz.core.redis import sync_client


def make_ingest(*, shard: int, clock: Clock = now_ms) -> IngestService:
    """Return the ingest of a shard, wired to the settings' Redis and database."""
    rate = settings.RISK_FREE_RATE
    ownership = Ownership()
    engine = Engine(Master(), clock=clock, rate=rate, restore=restore, owns=ownership.owns)
    parts = Parts(
        reader=TickReader(sync_client(), shard=shard),
        engine=engine,
        marks=_marks(engine, shard),
        writer=Writer(),
        live=Live(Publisher(sync_client(), clock=clock), rate=rate, clock=clock),
        ownership=ownership,
        redis=sync_client(),
        clock=clock,
    )
    pace = Pace(
        publish=settings.INGEST_PUBLISH_MS / 1000,
        commit=settings.INGEST_COMMIT_MS / 1000,
        shard=shard,
        shards=settings.TICK_SHARDS,
    )
    return IngestService(parts, pace)


def _marks(engine: Engine, shard: int) -> SecondMarks:
    """Return what keeps the marks of a shard, told of the engine's ticks."""
    shards = settings.TICK_SHARDS
    marks = SecondMarks(sync_client(), engine, is_ours=lambda symbol: shard_of(symbol, shards=shards) == shard)
    engine.listen(marks.note)
    return marks

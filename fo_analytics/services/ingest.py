"""Puts an ingest process together."""

from django.conf import settings

from fo_analytics.ingest.engine import Engine
from fo_analytics.ingest.live import Live
from fo_analytics.ingest.master import Master
from fo_analytics.ingest.restore import restore
from fo_analytics.ingest.service import IngestService, Parts
from fo_analytics.ingest.writer import Writer
from streaming.publisher import Publisher
from streaming.ticker.stream import TickReader
from tradingviz.core.clock import Clock, now_ms
from tradingviz.core.redis import sync_client


def make_ingest(*, shard: int, clock: Clock = now_ms) -> IngestService:
    """Return the ingest of a shard, wired to the settings' Redis and database."""
    rate = settings.RISK_FREE_RATE
    parts = Parts(
        reader=TickReader(sync_client(), shard=shard),
        engine=Engine(Master(), clock=clock, rate=rate, restore=restore),
        writer=Writer(),
        live=Live(Publisher(sync_client(), clock=clock), rate=rate),
        redis=sync_client(),
        clock=clock,
    )
    return IngestService(parts, shard=shard, flush_ms=settings.INGEST_FLUSH_MS)

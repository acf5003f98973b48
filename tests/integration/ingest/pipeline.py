"""A stream, an ingest, a database: what the tests of this folder drive."""

from collections.abc import Iterable
from pathlib import Path

from django.db import connection

from fo_analytics.ingest.service import IngestService
from fo_analytics.replay.player import play
from fo_analytics.replay.recording import RecordedTick, read
from fo_analytics.services.ingest import make_ingest
from fo_analytics.services.instruments import ensure_instruments
from streaming.ticker.codec import TickRow
from streaming.ticker.stream import TickProducer, TickStreams
from tests.rig import checksums as rig
from tradingviz.core.cache import forget_all
from tradingviz.core.redis import sync_client


def send(snapshots: Iterable[tuple[int, list[RecordedTick]]]) -> int:
    """Put snapshots onto the stream at once; return the number of ticks."""
    streams = TickStreams(sync_client(), shards=1, max_backlog=1_000_000, keep=1_000_000)
    sent = 0
    for played in play(snapshots, streams, lambda keys, day: ensure_instruments(keys=keys, seen_on=day), speed=None):
        sent = played.ticks
    return sent


def send_rows(rows: Iterable[TickRow]) -> None:
    """Put one batch of raw ticks onto the stream."""
    TickProducer(sync_client()).send(rows)


def drain(service: IngestService | None = None) -> IngestService:
    """Let an ingest (a new one by default) take everything that waits, and commit it."""
    service = service or make_ingest(shard=0)
    producer = TickProducer(sync_client())
    while producer.backlog():
        service.step()
    service.flush()
    forget_all()
    return service


def replay(path: Path) -> int:
    """Send a whole recording through a new ingest; return the number of ticks."""
    ticks = send(read(path))
    drain()
    return ticks


def checksums() -> rig.Checksums:
    """Return count and checksum of every table that ticks end in."""
    connection.ensure_connection()
    return rig.checksums(connection.connection)

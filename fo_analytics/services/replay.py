"""Replays: recordings feed the stream in place of the ticker service."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

from fo_analytics.ingest.heartbeat import FRESH_MS, read_heartbeat
from fo_analytics.replay.player import Played, play
from fo_analytics.replay.recording import read, recordings
from fo_analytics.services.ingest import make_ingest
from fo_analytics.services.instruments import ensure_instruments
from streaming.ticker.stream import TickStreams
from tradingviz.core.clock import now_ms
from tradingviz.core.redis import sync_client

logger = logging.getLogger(__name__)


def replay_recording(*, path: Path, speed: float | None, wait: bool) -> Iterator[Played]:
    """Send a recording, or a folder's in order of their names; yields progress after each snapshot.

    `wait`: return only when everything is committed. Raises UnknownRecording, NobodyReads, redis.RedisError.
    """
    streams = TickStreams(sync_client(), shards=settings.TICK_SHARDS)
    snapshots = (snapshot for file in recordings(path) for snapshot in read(file))
    yield from play(snapshots, streams, lambda keys, day: ensure_instruments(keys=keys, seen_on=day), speed=speed)
    if wait:
        streams.wait_until_taken()


def ingest_is_alive(*, shard: int) -> bool:
    """Return whether an ingest of the shard showed itself within the last seconds. Raises redis.RedisError."""
    beat = read_heartbeat(sync_client(), shard=shard)
    return beat is not None and now_ms() - beat.ts <= FRESH_MS


@contextmanager
def own_ingest(*, shard: int) -> Iterator[None]:
    """Run an ingest in a thread of this process for as long as the block lasts."""
    service = make_ingest(shard=shard)

    def work() -> None:
        try:
            service.run()
        except Exception:
            logger.exception("ingest failed")
            # The replay waits in the main thread: nothing will take its ticks any more.
            os.kill(os.getpid(), signal.SIGINT)
        finally:
            connection.close()

    thread = threading.Thread(target=work, name="ingest")
    thread.start()
    try:
        yield
    finally:
        service.stop()
        thread.join()

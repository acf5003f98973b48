"""What /metrics tells beside what processes count themselves: Redis, what ingest says, the pool."""

from collections.abc import Iterator, Sequence

import redis
from django.conf import settings
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

import streaming.metrics  # noqa: F401 - its names are there before the first socket is
from fo_analytics.ingest.heartbeat import Heartbeat
from strategies.pass_record import read_passes
from streaming.ticker.stream import stream_key
from tradingviz.core import metrics
from tradingviz.core.clock import now_ms
from tradingviz.core.database import count_pool
from tradingviz.core.redis import shared_client
from tradingviz.health.neighbours import signs_of_life


class LiveCollector(Collector):
    """Read when asked; the same whichever process answers."""

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        signs = signs_of_life()
        connected = 0.0 if signs is None else 1.0
        yield GaugeMetricFamily("redis_connected", "1 where Redis answers", value=connected)
        if signs is None:
            return
        if beats := [beat for beat in signs.ingest if beat is not None]:
            yield from _ingest_metrics(beats)
        if signs.orders_ms is not None:
            age = (now_ms() - signs.orders_ms) / 1000
            yield GaugeMetricFamily("orders_heartbeat_age_seconds", "since orders were last followed", value=age)
        yield from _backlog()
        yield from _m2m_metrics()


def _ingest_metrics(beats: Sequence[Heartbeat]) -> Iterator[Metric]:
    """Yield the sums over all shards, and the greatest of ages and lags."""
    now = now_ms()
    yield CounterMetricFamily("ingest_ticks", "ticks taken in", value=sum(beat.ticks for beat in beats))
    yield CounterMetricFamily("ingest_bars_written", "bars written or rewritten", value=sum(b.bars for b in beats))
    published = sum(beat.published for beat in beats)
    yield CounterMetricFamily("ingest_frames_published", "documents published", value=published)
    age = max(now - beat.ts for beat in beats) / 1000
    yield GaugeMetricFamily("ingest_heartbeat_age_seconds", "age of the oldest heartbeat", value=age)
    stamped = [now - beat.ts_event for beat in beats if beat.ts_event]
    if stamped:
        text = "age of the newest tick, of the shard furthest behind; grows while the market is closed"
        yield GaugeMetricFamily("ingest_lag_seconds", text, value=max(stamped) / 1000)
    dropped = CounterMetricFamily("ingest_ticks_dropped", "ticks dropped, by kind", labels=["kind"])
    for kind in sorted({kind for beat in beats for kind in beat.dropped}):
        dropped.add_metric([kind], sum(beat.dropped.get(kind, 0) for beat in beats))
    yield dropped


def _backlog() -> Iterator[Metric]:
    """Yield how many batches wait: what is taken leaves the stream."""
    client = shared_client()
    text = "batches on the tick streams that are not committed"
    try:
        waiting = sum(int(client.xlen(stream_key(shard))) for shard in range(settings.TICK_SHARDS))
    except redis.RedisError:
        return
    yield GaugeMetricFamily("ingest_backlog_batches", text, value=waiting)


def _m2m_metrics() -> Iterator[Metric]:
    """Yield what the passes did that mark strategies to market, and what waits for one."""
    try:
        found = read_passes(shared_client())
    except redis.RedisError:
        return
    yield GaugeMetricFamily("m2m_due_minutes", "minutes with marks that no pass has seen", value=found["due"])
    if "ts" not in found:
        return
    for name, text in (("passes", "passes that had something to do"), ("candles", "candles written or rewritten")):
        yield CounterMetricFamily(f"m2m_{name}", text, value=found[name])
    yield GaugeMetricFamily("m2m_pass_seconds", "how long the last pass took", value=found["seconds"])
    yield GaugeMetricFamily("m2m_pass_strategies", "strategies it looked at", value=found["strategies"])
    age = max(0.0, (now_ms() - found["ts"]) / 1000)
    yield GaugeMetricFamily("m2m_pass_age_seconds", "since then; grows while the market is closed", value=age)


metrics.register_live(LiveCollector())
metrics.register_sampler(count_pool)

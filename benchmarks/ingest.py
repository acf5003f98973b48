"""Ticks a second from the stream to committed bars with Greeks, and the time from a tick to its frame:
`make bench-ingest`.

Throughput: some minutes of 5,000 contracts, a tick a second each, wait on the stream; one ingest process takes them in.
Beside it, in the same run, the physical limit: the very same rows through the same COPY and upsert into an empty table,
with nothing computed. Latency: the same market live at 20,000 ticks a second, sent by one process, taken in by
`manage.py ingest`, watched by a third; a tick's time ends when a frame is received whose event time covers it.
"""

import argparse
import json
import multiprocessing
import resource
import statistics
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from signal import SIGTERM
from typing import Any

import numpy as np

from benchmarks.market import UNDERLYINGS, Market, book, listed
from benchmarks.rig import machine, manage, servers, versions

CONTRACTS, TICKS_A_MINUTE = 5_000, 60
DAY = date(2026, 2, 2)
RATE, BATCH = 20_000, 250
WARM_UP_SECONDS = 5.0


def main() -> None:
    """Run both parts and print their figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=3, help="of market time in a round of the throughput part")
    parser.add_argument("--rounds", type=int, default=3, help="of the throughput part; the median counts")
    parser.add_argument("--seconds", type=int, default=70, help="of the latency part; it holds the close of a minute")
    parser.add_argument("--depth", action="store_true", help="every tick brings an order book of five levels a side")
    arguments = parser.parse_args()
    with servers():
        from django.core.management import call_command

        call_command("warm", verbosity=0)
        print(machine(), versions("numpy", "numba", "psycopg", "redis", "hiredis", "msgspec"), sep="\n")
        throughput(rounds=arguments.rounds, minutes=arguments.minutes, depth=arguments.depth)
        latency(seconds=arguments.seconds, depth=arguments.depth)


def throughput(*, rounds: int, minutes: int, depth: bool) -> None:
    """Take the same stream in several times, each time into empty tables."""
    market = listed(DAY, CONTRACTS)
    found = [one_round(market, minutes, depth=depth) for _ in range(rounds)]
    for name, unit in (("wall", "ticks/s"), ("cpu", "ticks/s of CPU"), ("limit", "ticks/s by COPY + upsert alone")):
        rates = sorted(each[name] for each in found)
        print(f"  {statistics.median(rates):>11,.0f} {unit:32} ({min(rates):,.0f} to {max(rates):,.0f})")
    last = found[-1]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"  {last['ticks']:,} ticks of {len(market.token):,} contracts, {last['bars']:,} bars, "
        f"{last['commits']} commits; peak memory {memory:,.0f} MiB"
    )


def one_round(market: Market, minutes: int, *, depth: bool) -> dict[str, float]:
    """Return one round's rates a second."""
    from fo_analytics.models import Bar
    from fo_analytics.services.ingest import make_ingest
    from streaming.ticker.stream import TickProducer
    from tradingviz.core.redis import sync_client

    empty_tables()
    ticks = fill_stream(market, minutes, depth=depth)
    service, producer = make_ingest(shard=0), TickProducer(sync_client())
    committed = record_commits(service)
    wall, cpu = time.perf_counter(), time.process_time()
    while producer.backlog():
        service.step()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    service._parts.ownership.release()  # this process's connection would keep the shard
    bars = Bar.objects.count()
    assert bars == len(market.token) * minutes, f"{bars} bars"
    return {
        "wall": ticks / wall,
        "cpu": ticks / cpu,
        "limit": ticks / write_alone(committed),
        "ticks": ticks,
        "bars": bars,
        "commits": len(committed),
    }


def empty_tables() -> None:
    """Forget the market's bars and whatever Redis holds."""
    from django.db import connection

    from tradingviz.core.redis import sync_client

    sync_client().flushall()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE bar, chain_metric, rollup_due, fo_analytics_officialclose")


def fill_stream(market: Market, minutes: int, *, depth: bool) -> int:
    """Put the market's ticks on the stream; return their number."""
    from fo_analytics.domain.calendar import to_ms
    from fo_analytics.selectors.sessions import calendar_of
    from streaming.ticker.stream import TickProducer
    from tradingviz.core.redis import sync_client

    session = calendar_of(exchange="NSE").session_on(DAY)
    assert session is not None
    producer = TickProducer(sync_client(), max_backlog=1 << 30, keep=1 << 30)
    random, ticks = np.random.default_rng(1), 0
    for second in range(minutes * TICKS_A_MINUTE):
        for batch in market.second(to_ms(session.opens_at) + second * 1000, second, random, depth=depth):
            producer.send(batch)
            ticks += len(batch)
    return ticks


def record_commits(service: Any) -> list[Any]:
    """Keep what the service commits from now on."""
    committed: list[Any] = []
    writer = service._parts.writer
    commit = writer.commit

    def remember(rows: Any) -> None:
        if rows:
            committed.append(rows)
        commit(rows)

    writer.commit = remember
    return committed


def write_alone(committed: list[Any]) -> float:
    """Return the seconds that writing the same rows, in the same commits, takes into empty tables."""
    from fo_analytics.ingest.writer import Writer

    empty_tables()
    writer, began = Writer(), time.perf_counter()
    for rows in committed:
        writer.commit(rows)
    return time.perf_counter() - began


def latency(*, seconds: int, depth: bool) -> None:
    """Send live ticks, watch the frames, print how long the ticks took."""
    empty_tables()
    from fo_analytics.domain.calendar import from_ms, ist_date
    from fo_analytics.services.sessions import ensure_simulated_sessions
    from tradingviz.core.clock import now_ms

    today = ist_date(from_ms(now_ms()))

    ensure_simulated_sessions(first=today, last=today + timedelta(days=30))
    listed(today, CONTRACTS)
    ingest = manage("ingest")
    with tempfile.TemporaryDirectory() as folder:
        sent = Path(folder) / "sent.json"
        sender = multiprocessing.get_context("spawn").Process(target=send_live, args=(today, seconds, sent, depth))
        sender.start()
        try:
            frames = watch(lambda: sender.is_alive())
        finally:
            sender.join()
            ingest.send_signal(SIGTERM)
            ingest.wait(30)
        report(json.loads(sent.read_text()), frames)


def send_live(day: date, seconds: int, sent: Path, depth: bool) -> None:
    """Send RATE ticks a second, stamped as they are sent; note each batch's stamp, underlyings and ticks."""
    import django

    django.setup()
    from streaming.ticker.stream import TickProducer
    from tradingviz.core.redis import sync_client

    market, producer = listed(day, CONTRACTS), TickProducer(sync_client())
    owner = np.repeat(np.arange(len(UNDERLYINGS)), -(-len(market.token) // len(UNDERLYINGS)))[: len(market.token)]
    notes: list[tuple[int, int]] = []
    batches = RATE // BATCH
    began = time.time()
    for number in range(seconds * batches):
        time.sleep(max(0.0, began + number / batches - time.time()))
        at = number * BATCH % (len(market.token) - BATCH)
        part = slice(at, at + BATCH)
        ts = time.time_ns() // 1_000_000
        volume = float(number)
        producer.send(
            (
                token,
                ts,
                price,
                volume,
                65_000.0,
                price - 0.05,
                650.0,
                price + 0.05,
                650.0,
                book(price) if depth else None,
            )
            for token, price in zip(market.token[part].tolist(), moved(market, part, number), strict=True)
        )
        notes.append((ts, market_of(market, owner, part)))
    sent.write_text(json.dumps(notes))


def moved(market: Market, part: slice, number: int) -> list[float]:
    """Return prices that have moved with the spot."""
    drift = 5 * np.sin(number / 200)
    prices: list[float] = np.maximum(np.round((market.fair[part] + market.slope[part] * drift) * 20) / 20, 0.1).tolist()
    return prices


def market_of(market: Market, owner: Any, part: slice) -> int:
    """Return the place of the underlying that most of a batch belongs to."""
    return int(np.bincount(owner[part]).argmax())


def watch(goes_on: Any) -> dict[str, list[tuple[int, int]]]:
    """Return (received ms, event ms) of the frames of every underlying, as long as ticks are sent."""
    from fo_analytics.topics import underlying_topic
    from streaming.state import FIELD, decode_frame, frames_key
    from tradingviz.core.redis import sync_client

    client = sync_client()
    keys: dict[Any, Any] = {frames_key(underlying_topic(symbol)): "$" for symbol in UNDERLYINGS}
    frames: dict[str, list[tuple[int, int]]] = {key: [] for key in keys}
    while goes_on():
        for key, entries in client.xread(keys, block=200):  # type: ignore[union-attr]
            now = time.time_ns() // 1_000_000
            name = key.decode()
            keys[name] = entries[-1][0]
            frames[name] += [(now, decode_frame(fields[FIELD]).ts_event) for _, fields in entries]
    return frames


def report(sent: list[tuple[int, int]], frames: dict[str, list[tuple[int, int]]]) -> None:
    """Print the percentiles over all ticks after the warm-up whose frame could have come."""
    lines = list(frames.values())
    taken: list[int] = []
    missing = 0
    end = max(event for line in lines for _, event in line)
    for ts, owner in sent:
        if not sent[0][0] + WARM_UP_SECONDS * 1000 <= ts <= end - 1000:
            continue
        received = [now for now, event in lines[owner] if event >= ts][:1]
        taken += [now - ts for now in received]
        missing += not received
    p50, p99 = (np.percentile(taken, q) for q in (50, 99))
    print(
        f"  tick to frame at {RATE:,} ticks/s of {CONTRACTS:,} contracts, {len(sent) // (RATE // BATCH)} s: "
        f"p50 {p50:.0f}, p99 {p99:.0f}, max {max(taken)} ms; {missing} of {len(taken)} batches without a frame; "
        f"{sum(map(len, lines))} frames"
    )


if __name__ == "__main__":
    main()

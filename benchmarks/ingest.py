"""Ticks a second from the stream to committed bars with Greeks, and how long a tick takes to its frame:
`python -m benchmarks.ingest`.

Throughput: three minutes of 5,000 contracts, a tick a second each, wait on the stream; one ingest process takes them all.
Beside it, the physical limit: the same rows written by the same COPY and upsert into an empty table. Latency: the same
market live at 20,000 ticks a second, sent by a process of its own to an ingest process of its own; a third one watches
the frames.
"""

import argparse
import statistics
import time
from datetime import date

import numpy as np

from benchmarks.market import listed
from benchmarks.rig import machine, servers, versions

CONTRACTS, MINUTES, TICKS_A_MINUTE = 5_000, 3, 60
DAY = date(2026, 2, 2)


def fill_stream(market, opens_ms):
    from streaming.ticker.stream import TickProducer
    from tradingviz.core.redis import sync_client

    producer = TickProducer(sync_client(), max_backlog=1 << 30, keep=1 << 30)
    random = np.random.default_rng(1)
    ticks = 0
    for second in range(MINUTES * TICKS_A_MINUTE):
        for batch in market.second(opens_ms + second * 1000, second, random):
            producer.send(batch)
            ticks += len(batch)
    return ticks


def take_all():
    from fo_analytics.services.ingest import make_ingest
    from streaming.ticker.stream import TickProducer
    from tradingviz.core.redis import sync_client

    producer = TickProducer(sync_client())
    service = make_ingest(shard=0)
    began, cpu = time.perf_counter(), time.process_time()
    while producer.backlog():
        service.step()
    return time.perf_counter() - began, time.process_time() - cpu


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--profile", action="store_true")
    args = parser.parse_args()
    with servers():
        from django.core.management import call_command
        from fo_analytics.domain.calendar import to_ms
        from fo_analytics.selectors.sessions import calendar_of
        from fo_analytics.models import Bar

        call_command("warm", verbosity=0)
        print(machine(), versions("numpy", "numba", "psycopg", "redis", "msgspec"), sep="\n")
        market = listed(DAY, CONTRACTS)
        opens = to_ms(calendar_of(exchange="NSE").session_on(DAY).opens_at)
        t = time.perf_counter()
        ticks = fill_stream(market, opens)
        print(f"filled {ticks} ticks in {time.perf_counter() - t:.1f}s")
        if args.profile:
            import cProfile, pstats

            p = cProfile.Profile()
            p.enable()
        wall, cpu = take_all()
        if args.profile:
            p.disable()
            pstats.Stats(p).sort_stats("cumulative").print_stats(45)
            pstats.Stats(p).sort_stats("tottime").print_stats(25)
        print(
            f"{ticks / wall:,.0f} ticks/s wall, {ticks / cpu:,.0f} ticks/s cpu; {Bar.objects.count()} bars; {wall:.2f}s"
        )


if __name__ == "__main__":
    main()

"""How fast stored truth is read at size: `make bench-storage`.

Days of option bars go into a TimescaleDB of this run's own (durable; `shared_buffers` 1 GB), by binary COPY straight
into the tables and by the rollup service. Then each question is asked through its selector, decoding included, with
other parameters each time: warm; with cold data (PostgreSQL just restarted, the system's page cache dropped, then one
question about the first session: catalogue and reference data are known); and as the very first of a cold server.
Beside it, with the same parameters: the statements one would write first, and the limit: the very rows of the answer,
their keys known.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.rig import machine, servers, versions
from tests.rig.timescaledb import SETTINGS, Server, new_cluster, root_folder, serving

DURABLE = SETTINGS | {
    "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "jit": "on",
    "shared_buffers": "1GB", "max_wal_size": "4GB", "work_mem": "16MB",
}  # fmt: skip
FIRST = date(2026, 1, 5)
DROP_CACHES = Path("/proc/sys/vm/drop_caches")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: `draw` makes parameters, `ask` answers, `naive` reads it otherwise, `keys` names the rows."""

    name: str
    target_ms: float
    draw: Callable[[np.random.Generator], Any]
    ask: Callable[[Any], Any]
    peer: str
    naive: Callable[[Any], Any]
    keys: Callable[[Any, Any], Any]


def main() -> None:
    """Load, ask, print; nothing is left behind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30, help="of bars; 375 minutes each")
    parser.add_argument("--contracts", type=int, default=1_780, help="alive on a day, in ten expiries")
    parser.add_argument("--times", type=int, default=60, help="that a question is asked warm")
    parser.add_argument("--cold", type=int, default=20, help="that it is asked cold, each after a restart of its own")
    parser.add_argument("--plans", type=Path, help="folder to write the plans to")
    arguments = parser.parse_args()
    with new_cluster(root_folder()) as server:
        with served(server), servers():
            print(machine(), versions("psycopg", "numpy"), sep="\n")
            sessions = load(arguments.days, arguments.contracts)
            from benchmarks.storage_questions import questions, write_plans

            asked = questions(sessions)
            if arguments.plans:
                write_plans(asked, arguments.plans)
            warm = {question.name: ask_warm(question, arguments.times) for question in asked}
            close()
        cold = {
            question.name: (
                ask_cold(server, question, arguments.cold, asked[-1], sessions[0]),
                ask_cold(server, question, max(arguments.cold // 2, 1)),
            )
            for question in asked
        }
    for question in asked:
        report(question, warm[question.name], *cold[question.name])


@contextmanager
def served(server: Server) -> Iterator[None]:
    """Run the durable server."""
    with serving(server, DURABLE):
        os.environ["TIMESCALEDB_URL"] = server.url
        yield


def close() -> None:
    """Let go of the database."""
    from django.db import connection

    connection.close()
    connection.close_pool()


def load(days: int, contracts: int) -> list[Any]:
    """Store the sessions; print how long it took and how large it is."""
    from benchmarks.option_days import OptionDays
    from fo_analytics.selectors.sessions import calendar_of
    from fo_analytics.services.rollups import roll_up

    known = calendar_of(exchange="NSE").sessions_between(FIRST, FIRST + timedelta(days=2 * days + 14))
    sessions = [session for session in known if session.minutes == 375][:days]
    market, spent = OptionDays(contracts=contracts), {"copy": 0.0, "roll_up": 0.0, "rows": 0, "rolled": 0}
    for session in sessions:
        for block in market.blocks(session):
            began = time.perf_counter()
            spent["rows"] += store(block)
            spent["copy"] += time.perf_counter() - began
        began = time.perf_counter()
        spent["rolled"] += roll_up(first=session.date, last=session.date)
        spent["roll_up"] += time.perf_counter() - began
    began = time.perf_counter()
    execute("VACUUM ANALYZE")
    print(
        f"loaded {len(sessions)} sessions: {spent['rows']:,} option bars in {spent['copy']:.0f} s (COPY into chunks, "
        f"indexes and measures included), {spent['rolled']:,} longer bars in {spent['roll_up']:.0f} s, "
        f"VACUUM ANALYZE {time.perf_counter() - began:.0f} s; {machine().rpartition('; ')[2]}",
        flush=True,
    )
    for table in ("bar", "bar_rollup", "chain_metric"):
        heap, indexes, chunks = execute(
            "SELECT pg_size_pretty(table_bytes), pg_size_pretty(index_bytes), (SELECT count(*) FROM show_chunks(%s))"
            " FROM hypertable_detailed_size(%s)",
            [table, table],
        )[0]
        print(f"  {table:12} {heap} and {indexes} of indexes in {chunks} chunks")
    return sessions


def store(block: Any) -> int:
    """Commit a block; return its option bars."""
    from django.db import connection, transaction

    from benchmarks.option_days import OPTION_BAR, SPOT_BAR
    from fo_analytics.queries import query

    rows = len(block.options["time"])
    with transaction.atomic(), connection.cursor() as cursor:
        OPTION_BAR.append(cursor.cursor, block.options, rows)
        SPOT_BAR.append(cursor.cursor, block.spot, len(block.spot["time"]))
        cursor.executemany(query("upsert_chain_metrics"), block.metrics)
    return rows


def execute(sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    """Run a statement; return its rows."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


Taken = dict[str, list[float]]


def ask_warm(question: Question, times: int) -> Taken:
    """Return the milliseconds of our answer, the naive one and the limit, after a pass that fills the caches."""
    from benchmarks.storage_questions import read_by_keys

    drawn = draws(question, times)
    rows = [question.keys(parameters, question.ask(parameters)) for parameters in drawn]
    fewer = drawn[: max(times // 6, 1)]  # of the naive ones, which may be slow
    for parameters in fewer:
        question.naive(parameters)
    return {
        "ours": [timed(question.ask, parameters) for parameters in drawn],
        "naive": [timed(question.naive, parameters) for parameters in fewer],
        "limit": [timed(read_by_keys, keys) for keys in rows],
        "rows": [float(len(keys[1])) for keys in rows],
    }


def ask_cold(server: Server, question: Question, times: int, *first: Any) -> list[float]:
    """Return the milliseconds of our answers, each of a server just started that was asked `first`, else nothing."""
    from tradingviz.core.cache import forget_all

    taken = []
    for parameters in draws(question, times):
        drop_caches()
        with served(server):
            execute("SELECT 1")
            forget_all()
            ask_first(*first)
            taken.append(timed(question.ask, parameters))
            close()
    return taken


def ask_first(latest: Question | None = None, session: Any = None) -> None:
    """Ask for the state of everything a few minutes into a session."""
    if latest is not None:
        from fo_analytics.domain.calendar import MINUTE_MS, to_ms

        latest.ask((to_ms(session.opens_at) + 5 * MINUTE_MS, session))


def draws(question: Question, times: int) -> list[Any]:
    """Return parameters, the same ones in every run."""
    random = np.random.default_rng(20)
    return [question.draw(random) for _ in range(times)]


def drop_caches() -> None:
    """Empty the system's page cache, where this process may."""
    os.sync()
    if os.access(DROP_CACHES, os.W_OK):
        DROP_CACHES.write_text("3")


def timed(function: Callable[[Any], Any], argument: Any) -> float:
    """Return the milliseconds that a call takes."""
    began = time.perf_counter()
    function(argument)
    return (time.perf_counter() - began) * 1000


def report(question: Question, warm: Taken, cold: list[float], first: list[float]) -> None:
    """Print what a question took, and whether that is within its target."""
    print(f"\n{question.name} (target p95 {question.target_ms:g} ms; {np.median(warm['rows']):.0f} rows)")
    where = "cold data" if os.access(DROP_CACHES, os.W_OK) else "cold data (the system's page cache kept)"
    for name, taken in (
        ("warm", warm["ours"]),
        (where, cold),
        ("first question of a cold server", first),
        (f"naive, warm: {question.peer}", warm["naive"]),
        ("limit, warm: the same rows by their keys", warm["limit"]),
    ):
        p50, p95 = (np.percentile(taken, q) for q in (50, 95))
        verdict = ("pass" if p95 <= question.target_ms else "MISS") if taken in (warm["ours"], cold) else ""
        print(f"  {p50:8.1f} p50 {p95:8.1f} p95 {max(taken):8.1f} max ms  {name}, n = {len(taken)} {verdict}".rstrip())


if __name__ == "__main__":
    main()

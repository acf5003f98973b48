"""Answers of the REST API, cold and cached, beside a FastAPI peer: `make bench-rest`.

A day of NIFTY (three expiries of 111 strikes, a tick a minute of every contract) goes through the ingest into the
database. Ours runs as production does, by Daphne and by uvicorn; the peer (benchmarks/peers) on the same database and
Redis. Before anything is timed, the answers are compared field by field. Cold: every request asks for another instant,
and no two requests of the whole run are alike. Cached: the same request again and again. The rounds of all servers take
turns, and a load generator in a process of its own measures.
"""

import argparse
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from http.client import HTTPConnection
from itertools import islice
from typing import Any
from urllib.parse import urlencode

import numpy as np

from benchmarks.market import Market, listed
from benchmarks.rig import ROOT, machine, servers, versions
from benchmarks.serving import PEERS_PYTHON, Target, peer_versions, targets

DAY, MINUTES = date(2026, 2, 2), 375
SYMBOL, CONTRACTS = "NIFTY", 666
CROWD, MANY = 8, 16
WARM_UP = 20


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, the limit of its cold p95 (ms), and paths that are all different."""

    name: str
    limit: int
    paths: Iterator[str]


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured: rounds, cold requests in each (alone; four times as many side by side), seconds cached."""

    rounds: int
    cold: int
    seconds: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="the servers take turns in each")
    parser.add_argument("--cold", type=int, default=100, help="requests of a round alone; by 8 twice as many")
    parser.add_argument("--seconds", type=float, default=3, help="of a round of cached requests")
    arguments = parser.parse_args()
    effort = Effort(arguments.rounds, arguments.cold, arguments.seconds)
    with servers():
        from django.core.management import call_command

        call_command("warm", verbosity=0)
        print(machine(), versions("django", "djangorestframework", "daphne", "uvicorn", "psycopg", "numba"), sep="\n")
        if PEERS_PYTHON.exists():
            print("peer:", peer_versions("fastapi", "uvicorn", "uvloop", "httptools", "asyncpg", "orjson", "pyjwt"))
        take_in_a_day()
        token = access_token()
        with targets() as running:
            for question in questions():
                measure(question, running, token, effort)
    print(f"load at the end {', '.join(f'{value:.1f}' for value in os.getloadavg())}")


def take_in_a_day() -> None:
    """Put a day's ticks on the stream and let the ingest make bars, measures and the live state of them."""
    from fo_analytics.models import Bar
    from fo_analytics.services.ingest import make_ingest
    from streaming.ticker.stream import TickProducer
    from tradingviz.core.redis import sync_client

    market = listed(DAY, CONTRACTS, (SYMBOL,))
    producer = TickProducer(sync_client(), max_backlog=1 << 30, keep=1 << 30)
    service = make_ingest(shard=0)
    send_day(market, producer.send)
    while producer.backlog():
        service.step()
    service._parts.ownership.release()
    bars = Bar.objects.count()
    assert bars == len(market.token) * MINUTES, f"{bars} bars"
    analyse()
    print(f"  {bars:,} bars of {len(market.token)} instruments")


def send_day(market: Market, send: Callable[[Any], Any]) -> None:
    """Send one tick of every contract in the middle of each minute."""
    random, opens = np.random.default_rng(1), session_opens()
    for minute in range(MINUTES):
        seconds = minute * 60 + 30
        for batch in market.second((opens + seconds) * 1000, seconds, random):
            send(batch)


def session_opens() -> int:
    """Return the open of the day's session, Unix seconds."""
    from fo_analytics.selectors.sessions import calendar_of

    session = calendar_of(exchange="NSE").session_on(DAY)
    assert session is not None
    return int(session.opens_at.timestamp())


def analyse() -> None:
    """Let the planner know the tables, as autovacuum does in time."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def access_token() -> str:
    """Return a token of a user of ours; it outlives the run."""
    from accounts.models import User
    from accounts.tokens import AccessToken

    token = AccessToken.for_user(User.objects.create_user("bench"))
    token.set_exp(lifetime=timedelta(hours=2))
    return str(token)


def questions() -> list[Question]:
    """Return what is measured."""
    return [
        Question("strike-distribution, one expiry, ±50", 60, strike_distributions()),
        Question("moneyness-series, a day", 100, moneyness_series()),
    ]


def strike_distributions() -> Iterator[str]:
    """Yield one expiry's chain at every second of the session, in shuffled order."""
    seconds = np.random.default_rng(2).permutation(np.arange(300, MINUTES * 60))
    opens = session_opens()
    for second in seconds.tolist():
        yield path("/fo/strike-distribution", underlying=SYMBOL, expiry="NWeek+0", levels=50, at=opens + second)


def moneyness_series() -> Iterator[str]:
    """Yield a day of one level's IV by the minute; what differs is the second before the open that it begins at."""
    opens = session_opens()
    for second in range(1, 20_000):
        level = {"underlying": SYMBOL, "moneyness": f"OTM{second % 20 + 1}", "option_side": "call", "expiry": "NWeek+0"}
        times = {"timeframe": "1m", "from": opens - second, "to": opens + MINUTES * 60}
        yield path("/fo/moneyness-series", indicator="iv", **level, **times)


def path(where: str, **parameters: object) -> str:
    """Return a path with its query."""
    return f"{where}?{urlencode(parameters)}"


def measure(question: Question, running: list[Target], token: str, effort: Effort) -> None:
    """Compare the answers, then time them, and print a line for each server."""
    there = answering(question, running, token)
    if not there:
        print(f"\n{question.name}: not there yet")
        return
    for target in there:
        load(target, token, list(islice(question.paths, WARM_UP)), concurrency=2)
    found = [[one_round(question, target, token, effort) for target in there] for _ in range(effort.rounds)]
    print(f"\n{'':16}{'cold, alone':>24}{f'cold, {CROWD} at once':>24}{f'cached, {MANY} at once':>24}")
    print(f"{'':16}" + f"{'p50':>8}{'p95':>8}{'cpu':>8}" + f"{'p50':>8}{'p95':>8}{'/s':>8}" * 2 + f"{'cpu':>8}   ms")
    for target, rounds in zip(there, zip(*found, strict=True), strict=True):
        print(line(target.name, rounds, question.limit))


def answering(question: Question, running: list[Target], token: str) -> list[Target]:
    """Return the servers that know the question, none where ours does not; raise where their answers differ."""
    asked = next(question.paths)
    answers = {target: answer(target, token, asked) for target in running}
    there = [target for target, (status, _) in answers.items() if status != 404]
    if running[0] not in there:
        return []
    for target in there:
        assert answers[target][0] == 200, f"{target.name}: {answers[target]}"
    first = answers[there[0]][1]
    print(f"\n{question.name}: {len(first):,} bytes; GET {asked}")
    for other in there[1:]:
        wrong = list(islice(differences(json.loads(first), json.loads(answers[other][1])), 5))
        assert not wrong, f"{other.name} answers otherwise than {there[0].name}: {wrong}"
    print(f"  the answers of {len(there)} servers are equal")
    return there


def answer(target: Target, token: str, asked: str) -> tuple[int, bytes]:
    """Return the status and body of one request."""
    connection = HTTPConnection("127.0.0.1", target.port, timeout=60)
    connection.request("GET", asked, headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"})
    response = connection.getresponse()
    return response.status, response.read()


def differences(one: Any, other: Any, where: str = "") -> Iterator[str]:
    """Yield where two JSON values differ; numbers may by a rounding."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in one.keys() | other.keys():
            if name in one and name in other:
                yield from differences(one[name], other[name], f"{where}.{name}")
            else:
                yield f"{where}.{name} is in one only"
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for at, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{where}[{at}]")
    elif isinstance(one, float) and isinstance(other, float):
        if not math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-15):
            yield f"{where}: {one} and {other}"
    elif one != other:
        yield f"{where}: {one!r} and {other!r}"


def one_round(question: Question, target: Target, token: str, effort: Effort) -> dict[str, dict[str, Any]]:
    """Return one round's measurements of a server."""
    alone = list(islice(question.paths, effort.cold))
    crowd = list(islice(question.paths, effort.cold * 2))
    assert len(crowd) == effort.cold * 2, "no more different requests: fewer rounds, or fewer in each"
    return {
        "alone": load(target, token, alone, concurrency=1),
        "crowd": load(target, token, crowd, concurrency=CROWD),
        "cached": load(target, token, alone[:1], concurrency=MANY, seconds=effort.seconds),
    }


def load(
    target: Target, token: str, paths: list[str], *, concurrency: int, seconds: float | None = None
) -> dict[str, Any]:
    """Let the load generator send requests; raises where an answer is not 200."""
    plan = {"port": target.port, "token": token, "paths": paths, "concurrency": concurrency, "seconds": seconds}
    command = [sys.executable, "-m", "benchmarks.load"]
    cpu = target.cpu_seconds()
    done = subprocess.run(command, cwd=ROOT, input=json.dumps(plan), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert set(found["statuses"]) == {"200"}, f"{target.name}: {found['statuses']}"
    return {**found, "cpu": target.cpu_seconds() - cpu}


def line(name: str, rounds: tuple[dict[str, dict[str, Any]], ...], limit: int) -> str:
    """Return a server's figures over all rounds."""
    parts = [f"{name:16}"]
    for kind in ("alone", "crowd", "cached"):
        latencies = [value for each in rounds for value in each[kind]["latencies"]]
        taken, cpu = (sum(each[kind][name] for each in rounds) for name in ("seconds", "cpu"))
        p50, p95 = np.percentile(latencies, [50, 95])
        parts.append(f"{p50:8.1f}{p95:8.1f}")
        parts += [f"{len(latencies) / taken:8,.0f}"] if kind != "alone" else []
        parts += [f"{cpu / len(latencies) * 1000:8.2f}"] if kind != "crowd" else []
    cold = [np.percentile(each["alone"]["latencies"], 95) for each in rounds]
    verdict = "within" if max(cold) <= limit else "beyond"
    return "".join(parts) + f"   cold p95 by round {min(cold):.0f} to {max(cold):.0f}: {verdict} {limit}"


if __name__ == "__main__":
    main()

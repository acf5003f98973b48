"""What the gate adds to a request: `make bench-gate`.

One trivial ASGI endpoint under uvicorn, bare, after one count in Redis, and behind the gate, asked in turn over
kept-alive connections with the same valid token. Behind the gate a request is identified (its user remembered for two
seconds), counted in Redis, given its headers, timed, and written to the log. The count alone is the limit of what can
be reached: it wakes two processes, which takes several times as long where idle processors are halted.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path

import psutil

from benchmarks.rig import machine, servers, versions
from benchmarks.serving import Target, start, uvicorn
from tradingviz.quickstart.preflight import free_port

PATH = "/fo/indicators"
TARGET_MS = 0.4
APPLICATION = "benchmarks.bare:application"
SERVED = {"bare": "bare", "redis": "one count in Redis", "gate": "behind the gate"}


def main() -> None:
    """Start both, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--requests", type=int, default=250, help="of each in a round")
    arguments = parser.parse_args()
    with servers(), tempfile.TemporaryDirectory() as logs:
        from django.core.management import call_command

        from benchmarks.rest import access_token

        print(machine(), versions("uvicorn", "redis", "PyJWT"), sep="\n")
        call_command("migrate", verbosity=0)
        headers = {"Authorization": f"Bearer {access_token()}"}
        running = [serving(Path(logs), what) for what in SERVED]
        try:
            report([measure(running, headers, arguments.requests) for _ in range(arguments.rounds)], arguments.requests)
        finally:
            for target in running:
                target.process.terminate()
            psutil.wait_procs([target.process for target in running], timeout=20)


def serving(logs: Path, what: str) -> Target:
    """Start one server."""
    port = free_port()
    extra = {"RATE_LIMIT_PER_MINUTE": "1000000", "SERVED": what}
    process = start([sys.executable, *uvicorn(port, APPLICATION)], logs / f"{port}.log", port, extra)
    return Target(SERVED[what], port, psutil.Process(process.pid))


def measure(running: list[Target], headers: dict[str, str], requests: int) -> list[tuple[float, float]]:
    """Return of each server the median latency and the processor time of a request, in milliseconds."""
    found = []
    for target in running:
        connection, taken, used = HTTPConnection("127.0.0.1", target.port), [], target.cpu_seconds()
        for _ in range(requests):
            began = time.perf_counter()
            connection.request("GET", PATH, headers=headers)
            answer = connection.getresponse()
            answer.read()
            taken.append((time.perf_counter() - began) * 1000)
            assert answer.status == 200
        connection.close()
        found.append((statistics.median(taken), (target.cpu_seconds() - used) / requests * 1000))
    return found


def report(rounds: list[list[tuple[float, float]]], requests: int) -> None:
    """Print medians over the rounds; the differences are taken within a round."""
    print(f"\n{len(rounds)} rounds in turn, {requests} requests each, median of the rounds' medians, ms")
    for name, found in zip(SERVED.values(), zip(*rounds, strict=True), strict=True):
        print(f"  {name:<20} {shown(found)}")
    bare, redis, gate = range(3)
    print(f"  {'the count adds':<20} {shown(added(rounds, bare, redis))}")
    adds = added(rounds, bare, gate)
    verdict = "pass" if statistics.median(latency for latency, _ in adds) <= TARGET_MS else "MISS"
    print(f"  {'the gate adds':<20} {shown(adds)}   (wanted: {TARGET_MS} latency) {verdict}")
    print(f"  {'beyond the count':<20} {shown(added(rounds, redis, gate))}")


def added(rounds: list[list[tuple[float, float]]], less: int, more: int) -> list[tuple[float, float]]:
    """Return what one server takes longer than another, round by round."""
    return [(each[more][0] - each[less][0], each[more][1] - each[less][1]) for each in rounds]


def shown(found: Sequence[tuple[float, float]]) -> str:
    """Return the medians of latencies and processor times as text."""
    latency, cpu = (statistics.median(column) for column in zip(*found, strict=True))
    return f"{latency:6.3f} latency  {cpu:6.3f} cpu"


if __name__ == "__main__":
    main()

"""What the gate adds to a request: `make bench-gate`.

One trivial ASGI endpoint under uvicorn, bare and behind the gate, asked in turn over kept-alive connections with the
same valid token. Behind it a request is identified (its user remembered for two seconds), counted in Redis, given its
headers, timed, and written to the log.
"""

import argparse
import statistics
import sys
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path

import psutil

from benchmarks.rig import machine, servers, versions
from benchmarks.serving import Target, start, uvicorn
from tradingviz.quickstart.preflight import free_port

PATH = "/fo/indicators"
TARGET_MS = 0.4
APPLICATION = "benchmarks.bare:application"


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
        pair = [serving(Path(logs), behind) for behind in (False, True)]
        try:
            report([measure(pair, headers, arguments.requests) for _ in range(arguments.rounds)], arguments.requests)
        finally:
            for target in pair:
                target.process.terminate()
            psutil.wait_procs([target.process for target in pair], timeout=20)


def serving(logs: Path, behind: bool) -> Target:
    """Start one server."""
    port = free_port()
    extra = {"RATE_LIMIT_PER_MINUTE": "1000000"} | ({"BEHIND_THE_GATE": "1"} if behind else {})
    process = start([sys.executable, *uvicorn(port, APPLICATION)], logs / f"{port}.log", port, extra)
    return Target("gate" if behind else "bare", port, psutil.Process(process.pid))


def measure(pair: list[Target], headers: dict[str, str], requests: int) -> list[tuple[float, float]]:
    """Return of each server the median latency and the processor time of a request, in milliseconds."""
    found = []
    for target in pair:
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
    bare, gate = zip(*rounds, strict=True)
    print(f"\n{len(rounds)} rounds in turn, {requests} requests each, median of the rounds' medians, ms")
    for name, found in (("bare", bare), ("behind the gate", gate)):
        latency, cpu = (statistics.median(column) for column in zip(*found, strict=True))
        print(f"  {name:<16} {latency:6.3f} latency  {cpu:6.3f} cpu")
    added = [(behind[0] - alone[0], behind[1] - alone[1]) for alone, behind in rounds]
    latency, cpu = (statistics.median(column) for column in zip(*added, strict=True))
    verdict = "pass" if latency <= TARGET_MS else "MISS"
    print(f"  {'the gate adds':<16} {latency:6.3f} latency  {cpu:6.3f} cpu   (wanted: {TARGET_MS} latency) {verdict}")


if __name__ == "__main__":
    main()

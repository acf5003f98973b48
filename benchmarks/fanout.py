"""From a publication to a thousand sockets: `make bench-fanout`.

One server process at a time, 1,000 sockets of a load generator of its own process (benchmarks/crowd.py), one frame a
second. Ours: a NIFTY chain of 111 strikes is published as ingest does it; every socket follows 20 levels around the
money, through the gate, with a token. Timed from before the publication to when a socket's bytes were read. Every
socket checks that each delta continues what it has.

Beside it, in the same run, with the same bytes as texts made beforehand: the `websockets` package alone (the limit),
one membership of a channel layer's group per socket, and a FastAPI hub that loops over its sockets. The rounds take
turns; whoever's turn it is not is stopped (SIGSTOP).
"""

import argparse
import os
import resource
import statistics
import time
from contextlib import ExitStack
from typing import Any

import numpy as np

from benchmarks.fanout_frames import Chains
from benchmarks.fanout_servers import Subject, started
from benchmarks.rig import machine, servers, versions
from benchmarks.serving import PEERS_PYTHON, peer_versions

P99_MS, TIMES_THE_LIMIT, KIB_PER_SOCKET = 100.0, 1.3, 64.0
FIRST_SOCKETS = 50  # after these memory is read for the first time: the code has run once
SETTLE_SECONDS, PATIENCE_SECONDS = 1.5, 5.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3, help="the servers take turns in each")
    parser.add_argument("--frames", type=int, default=8, help="of a round, one a second")
    parser.add_argument("--only", default="", help="a part of a server's name")
    arguments = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with servers(), ExitStack() as stack:
        print(
            machine(), versions("channels", "channels-redis", "daphne", "autobahn", "uvicorn", "websockets"), sep="\n"
        )
        if PEERS_PYTHON.exists():
            print("FastAPI peer:", peer_versions("fastapi", "uvicorn", "uvloop", "websockets"))
        chains = Chains(frames=arguments.rounds * (arguments.frames + 1) + 2)
        chains.report_bytes()
        subjects = list(started(chains, stack, arguments.only))
        for subject in subjects:
            gather(subject, chains.hello(subject.name), arguments.sockets)
        for _ in range(arguments.rounds):
            for subject in subjects:
                subject.rounds.append(one_round(subject, arguments.sockets, arguments.frames))
        report(subjects, arguments.sockets)
    print(f"load at the end {', '.join(f'{value:.1f}' for value in os.getloadavg())}")


def gather(subject: Subject, hello: dict[str, Any], sockets: int) -> None:
    """Open the sockets, send the first frame, and note what a socket costs in memory."""
    with subject.at_work():
        subject.ask(open={"number": FIRST_SOCKETS, "port": subject.port, **hello})
        frame(subject, FIRST_SOCKETS)
        before, began = subject.memory_kib(), time.monotonic()
        subject.ask(open={"number": sockets - FIRST_SOCKETS, "port": subject.port, **hello})
        seconds = time.monotonic() - began
        found, _ = frame(subject, sockets)
        subject.kib_per_socket = (subject.memory_kib() - before) / (sockets - FIRST_SOCKETS)
        print(f"  {subject.name}: {sockets} sockets, {(sockets - FIRST_SOCKETS) / seconds:,.0f} opened a second")
        assert not found["lost"], f"{subject.name} closed {found['lost']} sockets"


def frame(subject: Subject, sockets: int) -> tuple[dict[str, Any], list[float]]:
    """Publish a frame and wait until all have it; return what the crowd tells, and latencies (ms)."""
    seq, began = subject.publish()
    found = subject.ask(collect={"last": seq, "sockets": sockets, "seconds": PATIENCE_SECONDS})
    return found, [(at - began) * 1000 for at in found["received"].get(str(seq), [])]


def one_round(subject: Subject, sockets: int, frames: int) -> dict[str, float]:
    """Return a round's percentiles (ms), processor time of the server (ms a frame) and the audit."""
    latencies: list[float] = []
    last: list[float] = []
    cpu = broken = snapshots = 0.0
    with subject.at_work():
        time.sleep(SETTLE_SECONDS)
        frame(subject, sockets)
        for _ in range(frames):
            time.sleep(1.0 - time.monotonic() % 1.0)
            used = subject.cpu_seconds()
            found, taken = frame(subject, sockets)
            cpu += subject.cpu_seconds() - used
            latencies += taken
            last.append(max(taken, default=np.inf))
            broken, snapshots = broken + found["broken"], snapshots + found["snapshots"]
    p50, p99 = np.percentile(latencies, [50, 99])
    return {
        "p50": p50, "p99": p99, "max": max(last), "cpu": cpu / frames * 1000,
        "delivered": len(latencies), "expected": sockets * frames, "broken": broken, "snapshots": snapshots,
    }  # fmt: skip


def report(subjects: list[Subject], sockets: int) -> None:
    """Print medians over the rounds, and what was wanted of ours."""
    print(f"\n{sockets} sockets, {len(subjects[0].rounds)} rounds: medians of the rounds; ms, KiB")
    print(f"{'':24}{'p50':>8}{'p99':>8}{'p99 by round':>18}{'max':>8}{'cpu/frame':>11}{'KiB/socket':>12}  delivered")
    medians = {subject.name: median_round(subject) for subject in subjects}
    for subject in subjects:
        print(line(subject, medians[subject.name]))
    limit = medians.get("limit: bare websockets", {}).get("p99")
    for subject in subjects:
        if subject.name.startswith("ours"):
            print(wanted(subject, medians[subject.name]["p99"], limit))


def median_round(subject: Subject) -> dict[str, float]:
    """Return the median of each figure over the rounds."""
    return {name: statistics.median(each[name] for each in subject.rounds) for name in subject.rounds[0]}


def line(subject: Subject, middle: dict[str, float]) -> str:
    """Return a server's figures."""
    p99 = [each["p99"] for each in subject.rounds]
    total = {name: int(sum(each[name] for each in subject.rounds)) for name in subject.rounds[0] if name != "max"}
    return (
        f"{subject.name:24}{middle['p50']:8.1f}{middle['p99']:8.1f}{f'{min(p99):.0f} to {max(p99):.0f}':>18}"
        f"{max(each['max'] for each in subject.rounds):8.1f}{middle['cpu']:11.1f}{subject.kib_per_socket:12.1f}"
        f"  {total['delivered']:,} of {total['expected']:,}, {total['broken']} holes, {total['snapshots']} snapshots"
    )


def wanted(subject: Subject, p99: float, limit: float | None) -> str:
    """Return how a server of ours does beside what was wanted of it."""
    memory = (
        f"{subject.kib_per_socket:.0f} KiB {verdict(subject.kib_per_socket, KIB_PER_SOCKET)} ({KIB_PER_SOCKET:.0f})"
    )
    if "uvicorn" in subject.name and limit:
        times = p99 / limit
        return (
            f"{subject.name}: {times:.2f} x the limit {verdict(times, TIMES_THE_LIMIT)} ({TIMES_THE_LIMIT}); {memory}"
        )
    return f"{subject.name}: p99 {p99:.0f} ms {verdict(p99, P99_MS)} ({P99_MS:.0f}); {memory}"


def verdict(found: float, most: float) -> str:
    """Return whether a figure is what was wanted."""
    return "pass" if found <= most else "MISS"


if __name__ == "__main__":
    main()

"""What a client that never reads costs the others: `make bench-deaf`.

Sixty sockets follow 20 levels of a NIFTY chain that is published twenty times a second. In turn they are alone, beside
one that follows all of it in JSON, and beside one that does so and reads nothing at all: it has as small a buffer as
the kernel gives it, asks for the whole chain again ten times a second, and comes back whenever the server closes it.
Timed from before a publication to when the sixty had read it, so that the pace of publishing is not in it.
"""

import argparse
import json
import os
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from benchmarks.crowd import HANDSHAKE, TEXT
from benchmarks.crowd import frame as message_of
from benchmarks.fanout import frame, gather
from benchmarks.fanout_frames import Chains
from benchmarks.fanout_servers import Subject, started
from benchmarks.rig import machine, servers, versions

SOCKETS, PAUSE_SECONDS, WANTED_MS = 60, 0.05, 5.0
SMALLEST_BUFFER, ALL_LEVELS = 1, 500
COMPANIES = ALONE, READER, DEAF = "alone", "beside a reader", "beside a deaf one"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="each in every company")
    parser.add_argument("--frames", type=int, default=300, help="of a round, twenty a second")
    arguments = parser.parse_args()
    with servers(), ExitStack() as stack:
        print(machine(), versions("daphne", "autobahn", "uvicorn", "websockets"), sep="\n")
        chains = Chains(frames=len(COMPANIES) * arguments.rounds * arguments.frames + 2)
        for subject in list(started(chains, stack, "ours")):
            hello = chains.hello(subject.name)
            gather(subject, hello, SOCKETS)
            measure(subject, hello, arguments.rounds, arguments.frames)
    print(f"load at the end {', '.join(f'{value:.1f}' for value in os.getloadavg())}")


def measure(subject: Subject, hello: dict[str, Any], rounds: int, frames: int) -> None:
    """Print a server's percentiles in each company, in turn."""
    found: dict[str, list[float]] = {company: [] for company in COMPANIES}
    closed = 0
    with subject.at_work():
        for _ in range(rounds):
            for company, taken in found.items():
                with neighbour(subject.port, hello, company) as ended:
                    taken.append(p99(subject, frames))
                    closed += len(ended) if company == DEAF else 0
    print(f"{subject.name}: p99 of {SOCKETS} sockets, ms, medians of {rounds} rounds of {frames} frames")
    for company, taken in found.items():
        print(f"  {company:20}{statistics.median(taken):6.1f} ({min(taken):.1f} to {max(taken):.1f})")
    more = statistics.median(found[DEAF]) - statistics.median(found[ALONE])
    verdict = "pass" if more < WANTED_MS else "MISS"
    print(f"  {more:+.1f} ms, {verdict} ({WANTED_MS:.0f}); it was closed {closed} times")


def p99(subject: Subject, frames: int) -> float:
    """Return the 99th percentile (ms) from publication to the last byte, over all frames and sockets."""
    latencies: list[float] = []
    for _ in range(frames):
        time.sleep(PAUSE_SECONDS)
        found, taken = frame(subject, SOCKETS)
        assert not found["lost"]
        latencies += taken
    return float(np.percentile(latencies, 99))


@contextmanager
def neighbour(port: int, hello: dict[str, Any], company: str) -> Iterator[list[float]]:
    """Follow all of the chain on one more socket, reading it or not; yield when it was closed by the server."""
    end, ended = threading.Event(), list[float]()
    say = json.dumps(json.loads(hello["say"]) | {"levels": ALL_LEVELS})
    thread = threading.Thread(target=follow, args=(port, hello["path"], say, company, end, ended))
    if company != ALONE:
        thread.start()
    try:
        time.sleep(1.0)
        yield ended
    finally:
        end.set()
        if company != ALONE:
            thread.join()


def follow(port: int, path: str, say: str, company: str, end: threading.Event, ended: list[float]) -> None:
    """Be that socket until `end`, and come back where the server closes it."""
    reads = company == READER
    while not end.is_set():
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20 if reads else SMALLEST_BUFFER)
            connection.connect(("127.0.0.1", port))
            connection.sendall(HANDSHAKE.format(path=path, port=port).encode())
            connection.sendall(message_of(TEXT, say.encode()))
            connection.settimeout(0.05)
            while not end.is_set() and not hung_up(connection, say, reads=reads):
                end.wait(0.0 if reads else 0.1)
        if not end.is_set():
            ended.append(time.monotonic())


def hung_up(connection: socket.socket, say: str, *, reads: bool) -> bool:
    """Return whether the server has ended a connection; take what it sent, or ask it for more."""
    try:
        if reads:
            return not connection.recv(1 << 20)
        connection.sendall(message_of(TEXT, say.encode()))
        return False
    except TimeoutError:
        return False
    except OSError:
        return True


if __name__ == "__main__":
    main()

"""The process table: everything `make run` starts beside the two servers."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from tradingviz.quickstart.preflight import LOOPBACK
from tradingviz.quickstart.supervisor import Process

_MANAGE = (sys.executable, "manage.py")
_CELERY = (sys.executable, "-m", "celery", "-A", "tradingviz")
_SIMULATOR = Process("simulator", (sys.executable, "-m", "tradingviz.quickstart.simulator"), reloads=True)
_MARKET = Process("market", (*_MANAGE, "simulate"))


@dataclass(frozen=True, slots=True)
class Table:
    """What a run starts.

    preparing  end before anything else is started; side by side
    services   run as long as the manager does; `/health` answers once they are up
    alongside  end while the services start
    feed       where ticks come from, started last; None where a service sends them
    """

    preparing: tuple[Process, ...]
    services: tuple[Process, ...]
    alongside: tuple[Process, ...]
    feed: Process | None


def process_table(*, port: int, state: Path, recording: Path | None, speed: str | None) -> Table:
    """The application's table: without a recording the simulator is one of the services."""
    simulated = recording is None
    beat = ("beat", "--loglevel", "INFO", "--pidfile", "", "--schedule", str(state / "beat-schedule"))
    # -v 0: no access log of Daphne's own beside ours.
    web = ("-v", "0", "-b", LOOPBACK, "-p", str(port), "tradingviz.asgi:application")
    return Table(
        preparing=(
            Process("migrate", (*_MANAGE, "migrate", "--no-input")),
            Process("warm", (*_MANAGE, "warm")),
        ),
        services=(
            *([_SIMULATOR] if simulated else []),
            Process("ingest", (*_MANAGE, "ingest"), reloads=True),
            Process("orders", (*_MANAGE, "follow_orders"), reloads=True),
            Process("worker", (*_CELERY, "worker", *_pool(), "-c", "1", "--loglevel", "INFO"), reloads=True),
            Process("beat", (*_CELERY, *beat), reloads=True),
            Process("web", (sys.executable, "-m", "daphne", *web), reloads=True),
        ),
        alongside=(
            Process("demo_user", (*_MANAGE, "demo_user")),
            *([_MARKET] if simulated else []),
        ),
        feed=None if recording is None else _replay(recording, speed),
    )


def _pool() -> tuple[str, ...]:
    """Celery's worker processes share semaphores in /dev/shm, which a bare chroot or container may lack."""
    return () if os.access("/dev/shm", os.W_OK) else ("--pool", "threads")


def _replay(recording: Path, speed: str | None) -> Process:
    pace = ("--speed", speed) if speed else ()
    return Process("replay", (*_MANAGE, "replay", *pace, "--", str(recording)), finishes=True)

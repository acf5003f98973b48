"""PostgreSQL and Redis of one run: ours unless the user named his own."""

import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote

import psycopg
import redis

from tradingviz.quickstart import environment
from tradingviz.quickstart.backoff import Backoff
from tradingviz.quickstart.console import Console
from tradingviz.quickstart.errors import QuickstartError
from tradingviz.quickstart.installation import Installation
from tradingviz.quickstart.pidfile import PidFile
from tradingviz.quickstart.postgres import EmbeddedPostgres
from tradingviz.quickstart.preflight import free_port
from tradingviz.quickstart.redis import EmbeddedRedis
from tradingviz.quickstart.state import State


class Server(Protocol):
    """What the two embedded servers have in common."""

    child: subprocess.Popen[bytes] | None
    stop_signal: signal.Signals

    @property
    def running(self) -> bool:
        """Whether its process lives."""

    def start(self) -> None:
        """Start and wait until it answers."""

    def stop(self) -> None:
        """End it; harmless when it does not run."""


@dataclass
class Guard:
    """Keeps one server in the pid file, and starts it again when it ends."""

    name: str
    server: Server
    pids: PidFile
    console: Console
    backoff: Backoff = field(default_factory=Backoff)
    since: float = 0.0
    restart_at: float | None = None

    def start(self) -> None:
        """Start the server and write it down. Raises QuickstartError."""
        self.server.start()
        self.since = time.monotonic()
        self.restart_at = None
        if self.server.child is not None:
            self.pids.add(self.name, self.server.child.pid, stop_signal=self.server.stop_signal, server=True)

    def tick(self) -> None:
        """Notice an end, start again when it is time. Raises QuickstartError when it gives up."""
        if self.restart_at is not None:
            if time.monotonic() >= self.restart_at:
                self.start()
        elif not self.server.running:
            self._ended()

    def stop(self) -> None:
        """End the server and strike it off."""
        self.server.stop()
        self.pids.remove(self.name)

    def _ended(self) -> None:
        delay = self.backoff.after(time.monotonic() - self.since)
        if delay is None:
            raise QuickstartError(f"{self.name} ended {self.backoff.failures} times in a row")
        self.console.say(f"{self.name} ended unexpectedly; starting again in {delay:.0f} s")
        self.restart_at = time.monotonic() + delay


def embedded_postgres(state: State, programs: Installation, known: Mapping[str, str]) -> EmbeddedPostgres:
    """The PostgreSQL of a state folder; not started."""
    return EmbeddedPostgres(
        binaries=programs.postgres,
        data=programs.own_folder("postgres") / "data",
        socket_dir=state.socket_folder(programs.account),
        port=free_port(_port(known.get("DB_PORT"))),
        user=environment.USER,
        password=known["DB_PASSWORD"],
        log=state.logs / "postgres.log",
        account=programs.account,
    )


def embedded_redis(state: State, programs: Installation, known: Mapping[str, str], *, database: str) -> EmbeddedRedis:
    """The Redis of a state folder, which keeps ticks and what is live over a restart; not started.

    Each database has its own: generated prices that wait in one must not go into another.
    """
    return EmbeddedRedis(
        binary=programs.redis,
        folder=programs.own_folder(f"redis-{quote(database, safe='')}"),
        port=free_port(_port(known.get("REDIS_URL", "").rpartition(":")[2].partition("/")[0])),
        log=state.logs / "redis.log",
        password=known["REDIS_PASSWORD"],
        fsync="everysec",
        account=programs.account,
    )


def require_database(user: Mapping[str, str], name: str) -> None:
    """Raise QuickstartError when the database server which the user named does not let us in."""
    host, port = user.get("DB_HOST", "localhost"), user.get("DB_PORT", "5432")
    try:
        psycopg.connect(
            host=host,
            port=port,
            user=user.get("DB_USER", environment.USER),
            password=user.get("DB_PASSWORD"),
            dbname=name,
            connect_timeout=5,
        ).close()
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        raise QuickstartError(f"the database {name} on {host}:{port} (from your settings): {reason}") from error


def require_redis(url: str) -> None:
    """Raise QuickstartError when the Redis server which the user named does not answer."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3) as client:
            client.ping()
    except (redis.RedisError, ValueError, OSError) as error:
        raise QuickstartError(f"the Redis server of your REDIS_URL does not answer: {error}") from error


def _port(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None

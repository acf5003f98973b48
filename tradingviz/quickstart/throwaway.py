"""PostgreSQL and Redis for the length of a test run: fresh, fast instead of durable, gone afterwards."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tradingviz.quickstart.installation import Installation, copied_installation, installation, private_folder
from tradingviz.quickstart.postgres import EmbeddedPostgres
from tradingviz.quickstart.preflight import free_port
from tradingviz.quickstart.redis import EmbeddedRedis


@dataclass(frozen=True, slots=True)
class Servers:
    """Both servers, started."""

    postgres: EmbeddedPostgres
    redis: EmbeddedRedis


@contextmanager
def throwaway_installation() -> Iterator[Installation]:
    """Programs and an empty folder under the system's temporary folder, removed afterwards.

    Not below $TMPDIR: the path must be short for the Unix socket, and open to the account of root's servers.
    """
    folder = Path(tempfile.mkdtemp(prefix="tradingviz-test-", dir="/tmp"))
    try:
        if os.geteuid() != 0:
            yield installation(folder)
        else:
            folder.chmod(0o755)
            yield copied_installation(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def throwaway_postgres(programs: Installation) -> EmbeddedPostgres:
    """A cluster in its own folder below the installation's; not started."""
    home = programs.own_folder(f"postgres-{secrets.token_hex(4)}")
    return EmbeddedPostgres(
        binaries=programs.postgres,
        data=home / "data",
        socket_dir=private_folder(home / "socket", programs.account),
        port=free_port(),
        user="stocksblitz",
        password=secrets.token_urlsafe(16),
        log=home / "postgres.log",
        account=programs.account,
        durable=False,
    )


def throwaway_redis(programs: Installation) -> EmbeddedRedis:
    """A Redis server in its own folder below the installation's; not started."""
    home = programs.own_folder(f"redis-{secrets.token_hex(4)}")
    return EmbeddedRedis(
        binary=programs.redis,
        folder=home,
        port=free_port(),
        log=home / "redis.log",
        password=secrets.token_urlsafe(16),
        memory="256mb",
        account=programs.account,
    )


@contextmanager
def throwaway_servers() -> Iterator[Servers]:
    """Both servers, started; stopped and removed afterwards. Call it from the main thread."""
    with ExitStack() as stack:
        programs = stack.enter_context(throwaway_installation())
        servers = Servers(throwaway_postgres(programs), throwaway_redis(programs))
        stack.callback(servers.postgres.stop)
        servers.postgres.start()
        stack.callback(servers.redis.stop)
        servers.redis.start()
        yield servers

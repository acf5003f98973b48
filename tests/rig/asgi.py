"""The product's ASGI application: in the test's loop, or as server processes."""

import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import httpx
from asgiref.sync import sync_to_async
from django.db import connections

from streaming import hub
from tradingviz.core.redis import close_loop_clients
from tradingviz.quickstart.preflight import free_port

REPOSITORY = Path(__file__).parents[2]
APPLICATION = "tradingviz.asgi:application"
SERVERS = {
    "daphne": ["daphne", "-b", "127.0.0.1", "-p", "{port}", APPLICATION],
    "uvicorn": [
        "uvicorn",
        "--host",
        "127.0.0.1",
        "--no-access-log",
        "--no-proxy-headers",
        "--port",
        "{port}",
        APPLICATION,
    ],
}


@asynccontextmanager
async def asking(
    *, address: str = "192.0.2.1", token: str = "", root_path: str = ""
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application in this loop, from an address, of a server that says where it is mounted."""
    from tradingviz.asgi import application

    transport = httpx.ASGITransport(app=application, client=(address, 40_000), root_path=root_path)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
        yield client
    await settled()


async def settled() -> None:
    """Close what requests and sockets of this loop leave open; whoever still follows a topic goes on."""
    # Its reader goes on for a minute, in case somebody comes back.
    if not hub.current().sockets:
        await hub.current().aclose()
    await sync_to_async(connections.close_all)()
    await close_loop_clients()


@contextmanager
def server_processes(environment: Mapping[str, str], *, count: int, kind: str = "uvicorn") -> Iterator[list[str]]:
    """Base URLs of `count` server processes of their own; whatever happens, they are ended."""
    ports = [free_port() for _ in range(count)]
    with ExitStack() as stack:
        for port in ports:
            command = [sys.executable, "-m", *(part.format(port=port) for part in SERVERS[kind])]
            child = subprocess.Popen(command, cwd=REPOSITORY, env=dict(environment))
            stack.callback(child.wait, timeout=15)
            stack.callback(child.terminate)
        urls = [f"http://127.0.0.1:{port}" for port in ports]
        for url in urls:
            _wait_for(url)
        yield urls


def _wait_for(url: str) -> None:
    for _ in range(600):
        try:
            if httpx.get(f"{url}/health/live").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"{url} does not answer")

"""A server that is asked to stop tells its sockets first."""

import signal
import time
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from tests.websocket.client import client_of
from tests.websocket.processes import COMMANDS, server_process


@pytest.mark.parametrize("kind", COMMANDS)
async def test_sockets_hear_that_the_server_stops_and_when_to_come_again(
    kind: str, redis_url: str, tmp_path: Path
) -> None:
    with server_process(kind, redis_url, tmp_path / "log") as running:
        async with client_of(running.url) as one, client_of(running.url) as other:
            for client in (one, other):
                await client.ask(op="ping", id=1)
            running.process.send_signal(signal.SIGTERM)
            for client in (one, other):
                frame = await client.until_type("draining")
                assert frame["retry_after"] > 0
                assert await client.closed_with() == 4503
        assert running.process.wait(timeout=10) in (0, -signal.SIGTERM)


@pytest.mark.parametrize("kind", COMMANDS)
async def test_a_server_without_sockets_stops_at_once(kind: str, redis_url: str, tmp_path: Path) -> None:
    with server_process(kind, redis_url, tmp_path / "log") as running:
        async with client_of(running.url) as client:
            await client.ask(op="ping", id=1)
        began = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        running.process.wait(timeout=10)
        assert time.monotonic() - began < 5
        with pytest.raises((ConnectionClosed, OSError)):
            async with client_of(running.url):
                pass

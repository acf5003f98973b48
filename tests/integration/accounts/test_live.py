"""From the stream to the socket, each part a process of its own: the follower, Daphne, a client."""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import redis
from websockets.asyncio.client import ClientConnection, connect

from accounts.models import Order, Position, User
from accounts.order_stream import KEY
from tests.integration.accounts.made import demo_account, filled, raw, send
from tests.integration.serving import Web, serving
from tests.rig.cast import access_token
from tests.rig.data import REPOSITORY
from tradingviz.quickstart.processes import wait_until

UPDATES = 60
PATIENCE = 60.0
KILLS, EACH = 3, 300


def follow(environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start `manage.py follow_orders`."""
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "manage.py", "follow_orders"],
            cwd=REPOSITORY, env=environment, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip


@pytest.fixture
def follower(server_environment: dict[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`manage.py follow_orders`; it ends in order, and nothing was wrong."""
    log = tmp_path / "orders.log"
    child = follow(server_environment, log)
    yield child
    child.terminate()
    assert child.wait(timeout=15) == 0
    assert "Traceback" not in log.read_text()
    assert "left out: nothing" in log.read_text()


@pytest.fixture
def web(server_environment: dict[str, str], tmp_path: Path) -> Iterator[Web]:
    """Daphne."""
    with serving("daphne", server_environment, tmp_path / "web.log") as found:
        yield found


async def until(socket: ClientConnection, *kinds: str) -> dict[str, object]:
    """Return the next frame of some kinds."""
    async with asyncio.timeout(PATIENCE):
        while (frame := json.loads(await socket.recv()))["type"] not in kinds:
            pass
    found: dict[str, object] = frame
    return found


@pytest.mark.django_db(transaction=True)
async def test_an_order_update_is_on_the_socket_within_a_tenth_of_a_second(
    owner: User, follower: subprocess.Popen[bytes], web: Web, redis_url: str
) -> None:
    account = await asyncio.to_thread(demo_account, owner)
    token = await asyncio.to_thread(access_token, owner)
    taken: list[float] = []
    with redis.Redis.from_url(redis_url) as client:
        address = f"ws://127.0.0.1:{web.port}/ws/orders/{account.pk}?token={token}"
        async with connect(address) as socket:
            assert (await until(socket, "ack"))["topic"] == f"orders:{account.pk}"
            await until(socket, "snapshot")
            for number in range(UPDATES):
                await asyncio.sleep(0.02)
                began = time.perf_counter()
                send(client, raw(f"{number:03}", ts=time.time_ns() // 1_000_000))
                while f"{number:03}" not in json.dumps(await until(socket, "delta", "snapshot")):
                    pass
                taken.append((time.perf_counter() - began) * 1_000)
    print(f"order to socket, ms: n {len(taken)}, median {statistics.median(taken):.1f}, longest {max(taken):.1f}")
    assert statistics.median(taken) <= 100


def is_more_than(number: int) -> bool:
    """Return whether more orders are stored."""
    return Order.objects.count() > number


@pytest.mark.django_db(transaction=True)
def test_a_follower_that_is_killed_again_and_again_loses_nothing(
    owner: User, server_environment: dict[str, str], redis_url: str, tmp_path: Path
) -> None:
    demo_account(owner)
    with redis.Redis.from_url(redis_url) as client:
        for number in range(KILLS):
            child = follow(server_environment, tmp_path / f"{number}.log")
            try:
                stored = Order.objects.count()
                for place in range(EACH):
                    send(client, raw(f"{number}-{place}"), filled(f"{number}-{place}", 65, 100.0))
                assert wait_until(partial(is_more_than, stored), seconds=PATIENCE, pause=0.002)
            finally:
                child.kill()
                child.wait()
        last = follow(server_environment, tmp_path / "last.log")
        try:
            assert wait_until(lambda: client.xlen(KEY) == 0, seconds=PATIENCE, pause=0.05)
        finally:
            last.terminate()
            last.wait(timeout=15)
    assert Order.objects.filter(status="COMPLETE").count() == Order.objects.count() == KILLS * EACH
    assert Position.objects.get().bought == KILLS * EACH * 65

"""The line to Redis: many commands at once on one connection, every answer to who asked, nothing asked twice."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from urllib.parse import urlsplit

import psutil
import pytest
import redis
import redis.asyncio

from tests.rig.servers import started
from tradingviz.core.redis_line import RedisLine
from tradingviz.quickstart.installation import Installation
from tradingviz.quickstart.preflight import free_port
from tradingviz.quickstart.redis import EmbeddedRedis
from tradingviz.quickstart.throwaway import throwaway_redis

pytestmark = pytest.mark.redis


@asynccontextmanager
async def line_to(url: str, *, timeout_s: float = 5.0) -> AsyncIterator[RedisLine]:
    line = RedisLine(url, timeout_s=timeout_s)
    try:
        yield line
    finally:
        line.close()


async def connections(url: str) -> int:
    """Return how many clients Redis has, without the one that asks."""
    async with redis.asyncio.Redis.from_url(url) as client:
        return len(await client.client_list()) - 1


async def test_a_thousand_commands_at_once_share_one_connection_and_each_gets_its_own_answer(redis_url: str) -> None:
    before = await connections(redis_url)
    async with line_to(redis_url) as line:
        asked = [line.call("ECHO", f"number {n}") for n in range(1_000)]
        assert await asyncio.gather(*asked) == [b"number %d" % n for n in range(1_000)]
        assert await connections(redis_url) == before + 1


async def test_a_refused_command_fails_alone(redis_url: str) -> None:
    async with line_to(redis_url) as line:
        asked = [line.call("ECHO", "before"), line.call("NOSUCH"), line.call("ECHO", "after")]
        found: list[object] = await asyncio.gather(*asked, return_exceptions=True)
    assert (found[0], found[2]) == (b"before", b"after")
    assert isinstance(found[1], redis.ResponseError)
    assert "NOSUCH" in str(found[1])


async def test_who_gives_up_does_not_get_in_the_way_of_others(redis_url: str) -> None:
    async with line_to(redis_url) as line:
        assert await line.call("PING") == b"PONG"
        impatient = asyncio.create_task(line.call("ECHO", "nobody waits for this"))
        await asyncio.sleep(0)  # it is on its way
        impatient.cancel()
        assert await line.call("ECHO", "mine") == b"mine"
        assert impatient.cancelled()


async def test_the_database_and_the_password_of_the_address_are_used(redis_url: str) -> None:
    parts = urlsplit(redis_url)
    assert parts.password
    other = parts._replace(path="/3").geturl()
    async with line_to(other) as line, aclosing(redis.asyncio.Redis.from_url(other)) as client:
        await line.call("SET", "k", b"\xff\x00")
        assert await client.get("k") == b"\xff\x00"
    wrong = parts._replace(netloc=f":wrong@{parts.hostname}:{parts.port}").geturl()
    async with line_to(wrong) as line:
        with pytest.raises(redis.ResponseError, match="WRONGPASS"):
            await line.call("PING")


async def test_where_nobody_listens_every_command_says_so() -> None:
    async with line_to(f"redis://127.0.0.1:{free_port()}/0") as line:
        asked = await asyncio.gather(*(line.call("PING") for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in asked] == [redis.ConnectionError] * 3


async def test_what_does_not_speak_the_protocol_is_hung_up_on() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port := free_port())
    async with server, line_to(f"redis://127.0.0.1:{port}/0") as line:
        with pytest.raises(redis.ConnectionError):
            await line.call("PING")


@asynccontextmanager
async def silent_server() -> AsyncIterator[str]:
    """Run what accepts connections and says nothing; yield its address, with a password to be asked for."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", port := free_port())
    async with server:
        yield f"redis://:password@127.0.0.1:{port}/0"


async def test_a_dozen_that_wait_for_a_server_that_says_nothing_wait_for_one_attempt_together() -> None:
    async with silent_server() as url, line_to(url, timeout_s=0.5) as line:
        began = asyncio.get_running_loop().time()
        asked = await asyncio.gather(*(line.call("PING") for _ in range(12)), return_exceptions=True)
        took = asyncio.get_running_loop().time() - began
    assert [type(each) for each in asked] == [redis.TimeoutError] * 12
    assert took < 2 * 0.5, "the second one did not begin to wait when the first had given up"


async def test_hanging_up_while_the_connection_is_opened_fails_who_waits() -> None:
    async with silent_server() as url, line_to(url) as line:
        waiting = asyncio.create_task(line.call("PING"))
        assert await asyncio.wait([waiting], timeout=0.1) == (set(), {waiting})
        line.close()
        with pytest.raises(redis.ConnectionError):
            await waiting


class TestTrouble:
    """A Redis of its own, that may be broken."""

    @pytest.fixture
    def server(self, programs: Installation) -> Iterator[EmbeddedRedis]:
        server = throwaway_redis(programs)
        with started(server):
            yield server

    async def test_a_server_that_was_killed_fails_who_waits_and_the_next_one_finds_the_new_one(
        self, server: EmbeddedRedis
    ) -> None:
        async with line_to(server.url()) as line:
            waiting = asyncio.create_task(line.call("BLPOP", "nothing", 0))
            assert await asyncio.wait([waiting], timeout=0.1) == (set(), {waiting})
            server.stop()
            with pytest.raises(redis.ConnectionError):
                await waiting
            with pytest.raises(redis.ConnectionError):
                await line.call("PING")
            server.start()
            assert await line.call("PING") == b"PONG"

    async def test_a_server_that_hangs_is_not_waited_for_longer_than_agreed(self, server: EmbeddedRedis) -> None:
        async with line_to(server.url(), timeout_s=0.2) as line:
            assert await line.call("PING") == b"PONG"
            assert server.child is not None
            hung = psutil.Process(server.child.pid)
            hung.suspend()
            with pytest.raises(redis.TimeoutError):
                await line.call("INCR", "once")
            hung.resume()
            assert await line.call("GET", "once") in (None, b"1"), "it was never sent a second time"

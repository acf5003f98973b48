"""Redis as the streaming tests need it, and a hub with a subscriber."""

from collections.abc import AsyncIterator, Iterator

import pytest
import redis
import redis.asyncio

from streaming.hub import Hub
from streaming.publisher import Publisher
from tests.integration.streaming.subscriber import Subscriber
from tradingviz.quickstart.installation import Installation
from tradingviz.quickstart.redis import EmbeddedRedis
from tradingviz.quickstart.throwaway import throwaway_redis


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    """A client of the run's Redis, empty for this test."""
    with redis.Redis.from_url(redis_url) as found:
        yield found


@pytest.fixture
def publisher(client: redis.Redis) -> Publisher:
    """A publisher with the wall clock."""
    return Publisher(client)


@pytest.fixture
def own_redis(programs: Installation) -> Iterator[EmbeddedRedis]:
    """A Redis of this test's own, to be stopped and started again; it keeps nothing."""
    server = throwaway_redis(programs)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def hub(redis_url: str) -> AsyncIterator[Hub]:
    """A hub on the run's Redis, with a quick heartbeat."""
    found = Hub(lambda: redis.asyncio.Redis.from_url(redis_url), heartbeat_seconds=0.05, linger_seconds=0)
    yield found
    await found.aclose()


@pytest.fixture
async def subscriber(hub: Hub) -> AsyncIterator[Subscriber]:
    """One subscriber of the hub."""
    found = Subscriber(hub)
    yield found
    await found.leave()

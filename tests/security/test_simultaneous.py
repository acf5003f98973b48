"""A limit is a limit, however many ask at once and however many processes answer."""

import asyncio
from collections import Counter

import httpx
import pytest

from accounts.models import User
from tests.rig.asgi import server_processes
from tests.rig.cast import access_token

LIMIT, ASKED = 100, 200


async def ask_at_once(urls: list[str], token: str) -> Counter[int]:
    """Ask ASKED times at once, of the servers in turn; return how often each status came."""
    limits = httpx.Limits(max_connections=ASKED)
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=60, limits=limits) as client:
        asked = [client.get(f"{urls[n % len(urls)]}/fo/indicators") for n in range(ASKED)]
        return Counter(answer.status_code for answer in await asyncio.gather(*asked))


async def seconds_left(url: str) -> int:
    """Return how long the window lasts that counts an anonymous question."""
    async with httpx.AsyncClient() as client:
        return int((await client.get(f"{url}/fo/indicators")).headers["ratelimit-reset"])


@pytest.mark.parametrize("processes", [1, 2])
async def test_of_200_simultaneous_requests_against_a_limit_of_100_exactly_100_pass(
    server_environment: dict[str, str], processes: int
) -> None:
    user = await User.objects.acreate(username="eager", password="unusable")
    environment = server_environment | {"RATE_LIMIT_PER_MINUTE": str(LIMIT)}
    with server_processes(environment, count=processes) as urls:
        if (left := await seconds_left(urls[0])) < 20:
            await asyncio.sleep(left)  # the window must not end in between
        statuses = await ask_at_once(urls, access_token(user))
    assert statuses == {200: LIMIT, 429: ASKED - LIMIT}

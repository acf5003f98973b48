"""The peer of benchmarks/rest.py: the same questions as a FastAPI service of its own, on the same database and Redis.

What is its own: routing and validation (FastAPI), SQL (asyncpg's pool), tokens (PyJWT), the limit (a fixed window in
Redis), the cache (answers in memory for a minute), JSON (orjson), one process of uvicorn with uvloop and httptools.
What it shares with the project: the pure valuation of a chain (`fo_analytics.domain`), so that both do the same
arithmetic and answer the same numbers.
"""

import os
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Literal

import asyncpg
import jwt
import orjson
import redis.asyncio
from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response

from benchmarks.peers import series
from benchmarks.peers.chains import Chains

LIMIT, WINDOW_SECONDS = 1_000_000, 60
TTL_SECONDS, KEPT = 60.0, 4_096


class Answers:
    """Encoded answers in memory, the least recently used dropped first."""

    def __init__(self) -> None:
        """Begin empty."""
        self._held: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    async def get(self, key: str, make: Callable[[], Awaitable[object]]) -> bytes:
        """Return the answer, made where there is none that is fresh."""
        held = self._held.get(key)
        if held is not None and held[0] > time.monotonic():
            self._held.move_to_end(key)
            return held[1]
        body = orjson.dumps(await make())
        self._held[key] = (time.monotonic() + TTL_SECONDS, body)
        if len(self._held) > KEPT:
            self._held.popitem(last=False)
        return body


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the pool and the Redis client for as long as the service runs."""
    pool = await asyncpg.create_pool(
        host=os.environ["DB_HOST"],
        port=int(os.environ["DB_PORT"]),
        database=os.environ["DB_NAME"],
        user=os.environ["DB_USER"],
        password=os.environ["DB_PASSWORD"],
        min_size=1,
        max_size=8,
        # Short questions: a plan made for their own parameters, and never compiled, is the faster one.
        server_settings={"jit": "off", "plan_cache_mode": "force_custom_plan"},
    )
    app.state.redis = redis.asyncio.Redis.from_url(os.environ["REDIS_URL"])
    app.state.chains, app.state.answers = Chains(pool), Answers()
    yield
    await app.state.redis.aclose()
    await pool.close()


app = FastAPI(lifespan=lifespan)
KEY = os.environ["JWT_SECRET_KEY"]


def user_of(request: Request) -> str:
    """Return whose token it is; 401 where it is not valid."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        claims = jwt.decode(token, KEY, algorithms=["HS256"], audience="tradingviz", issuer="tradingviz")
    except jwt.InvalidTokenError as error:
        raise HTTPException(401, str(error)) from error
    if scheme.lower() != "bearer" or claims.get("typ") != "access":
        raise HTTPException(401, "not an access token")
    return str(claims["user_id"])


async def within_limit(request: Request, response: Response, user: Annotated[str, Depends(user_of)]) -> None:
    """Count the request in its user's minute; 429 beyond the limit."""
    window = int(time.time()) // WINDOW_SECONDS
    key = f"peer:limit:{user}:{window}"
    async with request.app.state.redis.pipeline(transaction=False) as pipe:
        count, _ = await pipe.incr(key).expire(key, WINDOW_SECONDS).execute()
    if count > LIMIT:
        raise HTTPException(429, "too many requests", {"Retry-After": str(WINDOW_SECONDS)})
    response.headers["RateLimit-Remaining"] = str(LIMIT - count)


@app.get("/fo/strike-distribution", dependencies=[Depends(within_limit)])
async def strike_distribution(
    request: Request,
    underlying: Annotated[str, Query(max_length=32)],
    at: Annotated[int, Query(gt=946_684_800)],
    expiry: Annotated[str | None, Query(max_length=32)] = None,
    levels: Annotated[int, Query(ge=0, le=500)] = 50,
) -> Response:
    """Show one chain as it stood at a past instant (Unix seconds)."""

    async def make() -> object:
        return await request.app.state.chains.strike_distribution(underlying, expiry, at * 1000, levels)

    body = await request.app.state.answers.get(f"{request.url.path}?{request.url.query}", make)
    return Response(body, media_type="application/json")


@app.get("/fo/moneyness-series", dependencies=[Depends(within_limit)])
async def moneyness_series(
    request: Request,
    underlying: Annotated[str, Query(max_length=32)],
    indicator: Annotated[Literal["iv", "delta", "gamma", "theta", "vega", "rho"], Query()],
    since: Annotated[int, Query(alias="from", gt=946_684_800)],
    until: Annotated[int, Query(alias="to", gt=946_684_800)],
    moneyness: Annotated[str, Query(max_length=8)] = "ATM",
    option_side: Annotated[Literal["call", "put"], Query()] = "call",
    expiry: Annotated[str, Query(max_length=32)] = "NWeek+0",
    timeframe: Annotated[Literal["1m"], Query()] = "1m",
) -> Response:
    """Show one indicator at one level over a day."""

    async def make() -> object:
        bounds = since, until
        chains = request.app.state.chains
        return await series.moneyness_series(chains, underlying, indicator, moneyness, option_side, expiry, bounds)

    body = await request.app.state.answers.get(f"{request.url.path}?{request.url.query}", make)
    return Response(body, media_type="application/json")

"""What `tradingviz_client` yields of the chain of a stage."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streaming.state import State, read_state
from tests.faults.stage import PATIENCE_SECONDS, SYMBOL, Stage, until
from tradingviz.core.clock import now_ms
from tradingviz_client import Client, Update


class Follower:
    """Takes every update of a chain, and holds the newest."""

    def __init__(self) -> None:
        self.newest: Update | None = None
        self.told: list[str] = []

    async def follow(self, client: Client, expiry: str) -> None:
        """Follow until cancelled; an error of the client's is this one's."""
        async for update in client.chain(SYMBOL, expiry):
            if self.newest and update.epoch == self.newest.epoch:
                assert update.seq >= self.newest.seq
            self.newest = update

    def is_live(self, after_ms: int) -> bool:
        """Return whether it holds a tick after an instant, and knows of nothing amiss."""
        return self.newest is not None and self.newest.ts_event > after_ms and self.newest.stale is None

    async def sees(self, seconds: float) -> float:
        """Return after how many seconds from now it is live with a new tick; fail where it is not in time."""
        began = now_ms()
        await until(lambda: self.is_live(began), seconds=seconds)
        return (now_ms() - began) / 1000


@asynccontextmanager
async def following(stage: Stage) -> AsyncIterator[Follower]:
    """A client that is live; at the end it must hold what is stored, once nothing moves any more."""
    follower = Follower()

    def stale(topic: str, why: object) -> None:
        follower.told.append(f"{topic}: {why}")

    await until(lambda: stored(stage))
    async with Client(f"http://127.0.0.1:{stage.daphne.port}", token=stage.token, on_stale=stale) as client:
        task = asyncio.create_task(follower.follow(client, stage.listed.expiry.isoformat()))
        try:
            await follower.sees(PATIENCE_SECONDS)
            yield follower
            await holds_what_is_stored(stage, follower)
        finally:
            if task.done():
                task.result()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def stored(stage: Stage) -> State | None:
    """Return the newest state of the chain."""
    with stage.market.client() as client:
        return read_state(client, stage.listed.topic)


async def holds_what_is_stored(stage: Stage, follower: Follower) -> None:
    """Fail where the newest document does not become the one in Redis."""

    def is_stored() -> bool:
        state, newest = stored(stage), follower.newest
        if state is None or newest is None:
            return False
        return (state.epoch, state.seq, state.document) == (newest.epoch, newest.seq, newest.document)

    stage.feed.silent.set()
    try:
        await asyncio.sleep(1)  # what was sent is on its way
        await until(is_stored)
    finally:
        stage.feed.silent.clear()

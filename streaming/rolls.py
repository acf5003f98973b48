"""Subscriptions by a label that will mean something else one day: when to look again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from streaming.protocol import ProtocolError, Subscribe
from tradingviz.core.clock import Clock

logger = logging.getLogger(__name__)

Params = dict[str, object]
Roll = Callable[[str, Subscribe, Params], Awaitable[None]]

# The market has to say something after the instant, before the label means the next; so it is asked again and again.
AGAIN_SECONDS = 30.0
GRACE_SECONDS = 1.0


class Rolls:
    """The times at which the topics of one socket are looked at again."""

    def __init__(self, roll: Roll, clock: Clock) -> None:
        self._roll = roll
        self._clock = clock
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def plan(self, topic: str, rolls_at: int | None, request: Subscribe, params: Params) -> None:
        """Look at a topic again at an instant (ms UTC), soon where that has passed, never where there is none."""
        self.forget(topic)
        if rolls_at is None:
            return
        left = (rolls_at - self._clock()) / 1000
        wait = left + GRACE_SECONDS if left > 0 else AGAIN_SECONDS
        self._timers[topic] = asyncio.get_running_loop().call_later(wait, self._look, topic, request, params)

    def forget(self, topic: str) -> None:
        """Do not look at a topic again."""
        if timer := self._timers.pop(topic, None):
            timer.cancel()

    def clear(self) -> None:
        """Look at nothing any more."""
        for topic in list(self._timers):
            self.forget(topic)
        for task in self._tasks:
            task.cancel()

    def _look(self, topic: str, request: Subscribe, params: Params) -> None:
        task = asyncio.get_running_loop().create_task(self._try(topic, request, params))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _try(self, topic: str, request: Subscribe, params: Params) -> None:
        try:
            await self._roll(topic, request, params)
        except ProtocolError as error:
            logger.info("a label could not be resolved again: %s", error)
            self.plan(topic, 0, request, params)
        except Exception:
            logger.exception("a label could not be resolved again")
            self.plan(topic, 0, request, params)

"""Subscriptions by a label that will mean something else one day: when to look again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from streaming.protocol import ProtocolError, Subscribe
from tradingviz.core.clock import Clock

logger = logging.getLogger(__name__)

Params = dict[str, object]

# The market has to say something after the instant, before the label means the next; so it is asked again and again.
AGAIN_SECONDS = 30.0
GRACE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """To look at a topic again: what was asked for when it was subscribed. Each is another, whatever it says."""

    topic: str
    request: Subscribe
    params: Params


class Rolls:
    """The times at which the topics of one socket are looked at again, one after another."""

    def __init__(self, roll: Callable[[Plan], Awaitable[None]], clock: Clock) -> None:
        self._roll = roll
        self._clock = clock
        self._plans: dict[str, tuple[Plan, asyncio.TimerHandle]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()

    def plan(self, topic: str, rolls_at: int | None, request: Subscribe, params: Params) -> None:
        """Look at a topic again at an instant (ms UTC), soon where that has passed, never where there is none."""
        self.forget(topic)
        if rolls_at is None:
            return
        left = (rolls_at - self._clock()) / 1000
        wait = left + GRACE_SECONDS if left > 0 else AGAIN_SECONDS
        plan = Plan(topic, request, params)
        self._plans[topic] = plan, asyncio.get_running_loop().call_later(wait, self._look, plan)

    def again(self, plan: Plan) -> None:
        """Look soon, where that is still wanted."""
        if self.holds(plan):
            self.plan(plan.topic, 0, plan.request, plan.params)

    def holds(self, plan: Plan) -> bool:
        """Return whether a plan still stands: nobody left the topic or asked for it anew."""
        return self.of(plan.topic) is plan

    def of(self, topic: str) -> Plan | None:
        """Return the plan of a topic."""
        plan, _ = self._plans.get(topic, (None, None))
        return plan

    def forget(self, topic: str) -> None:
        """Do not look at a topic again."""
        _, timer = self._plans.pop(topic, (None, None))
        if timer:
            timer.cancel()

    def clear(self) -> None:
        """Look at nothing any more."""
        for topic in list(self._plans):
            self.forget(topic)
        for task in self._tasks:
            task.cancel()

    def _look(self, plan: Plan) -> None:
        task = asyncio.get_running_loop().create_task(self._try(plan))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _try(self, plan: Plan) -> None:
        try:
            async with self._turn:
                await self._roll(plan)
        except ProtocolError as error:
            logger.info("a label could not be resolved again: %s", error)
            self.again(plan)
        except Exception:
            logger.exception("a label could not be resolved again")
            self.again(plan)

"""A channel of labels that mean one topic and later another."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from streaming import rolls, topics
from streaming.authentication import Principal
from streaming.publisher import Publisher
from tradingviz.core.errors import NotAvailable

CHANNEL = "labels-of-the-tests"
A, B, C = "numbers:a", "numbers:b", "numbers:c"


@dataclass
class Labels:
    """What labels mean, and what goes wrong when they are looked up."""

    meaning: dict[str, str] = field(default_factory=lambda: {"near": A, "next": B})
    fails_after: int | None = None
    looked_up: int = 0
    waits: asyncio.Event | None = None

    async def resolve(self, params: Mapping[str, Any], principal: Principal) -> topics.Subscription:
        """Return the topic of a label, to be looked at again soon."""
        self.looked_up += 1
        if self.waits:
            await self.waits.wait()
        if self.fails_after is not None and self.looked_up > self.fails_after:
            raise NotAvailable("not now")
        return topics.Subscription(self.meaning[str(params["label"])], rolls_at=0)


@contextmanager
def offered(monkeypatch: pytest.MonkeyPatch, publisher: Publisher) -> Iterator[Labels]:
    """Offer the labels `near` and `next`, looked at often, with a document in each topic."""
    labels = Labels()
    monkeypatch.setitem(topics._handlers, CHANNEL, (labels.resolve, "numbers"))
    monkeypatch.setattr(rolls, "AGAIN_SECONDS", 0.3)
    for n, topic in enumerate((A, B, C)):
        publisher.publish(topic, {"n": n}, ts_event=17, convention="exact")
    yield labels
    if labels.waits:
        labels.waits.set()

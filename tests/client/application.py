"""The application of the socket's tests for clients that present their token as a header, as in the product.

It has one channel more, whose market may be silent. What is sent can be lost on its way, as nothing of ours does.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from streaming import authentication, freshness, topics
from streaming.protocol import Reason
from tests.websocket.application import application as stream
from tests.websocket.application import subscribe_numbers

MARKET_CHANNEL = "numbers-of-a-market"


class Meddler:
    """Stands between the server and the stream: knows the headers, hears what is asked, can swallow deltas."""

    def __init__(self) -> None:
        self.swallow = 0  # so many of the next deltas are never sent
        self.asked: list[dict[str, Any]] = []
        self.tokens: list[str] = []

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Serve a socket."""
        token = dict(scope["headers"]).get(b"authorization", b"").decode().removeprefix("Bearer ")
        self.tokens.append(token)

        async def heard() -> Any:
            message = await receive()
            if text := message.get("text"):
                self.asked.append(json.loads(text))
            return message

        async def sent(message: Any) -> None:
            if message.get("kind") == "delta" and self.swallow:
                self.swallow -= 1
            else:
                await send(message)

        await stream({**scope, "query_string": f"token={token}".encode()}, heard, sent)

    def operations(self) -> list[str]:
        """Return what was asked, in order."""
        return [request["op"] for request in self.asked]


class Market:
    """Judges that the market of the tests is `reason`, None being alive."""

    def __init__(self) -> None:
        self.reason: Reason | None = None

    async def __call__(self, markets: Collection[str]) -> Mapping[str, Reason]:
        """Return the stale ones."""
        return {name: self.reason for name in markets if self.reason}


async def subscribe_market(params: Mapping[str, Any], principal: authentication.Principal) -> topics.Subscription:
    """Offer the topics of the other channel as those of a market that may fall silent."""
    return replace(await subscribe_numbers(params, principal), market="numbers")


topics.register(MARKET_CHANNEL, subscribe_market, scope="numbers")
market = Market()
freshness.register(market)
application = Meddler()

"""Whether what was sent is still what the market is: asked every half second for all markets that anybody watches."""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping

from streaming import protocol
from streaming.outbox import message_of
from streaming.protocol import Reason
from streaming.views import Feed
from tradingviz.core.clock import Clock
from tradingviz.core.logging import OncePerKind

logger = logging.getLogger(__name__)

# Of some markets, those that are stale and why.
Judge = Callable[[Collection[str]], Awaitable[Mapping[str, Reason]]]

_registered: list[Judge] = []


def register(judge: Judge) -> None:
    """Make `judge` say which markets are stale; the last one registered counts."""
    _registered[:] = [judge]


def registered() -> Judge:
    """Return the judge; RuntimeError where none was registered."""
    if not _registered:
        raise RuntimeError("nobody judges the age of markets: see streaming.freshness.register")
    return _registered[-1]


class Watch:
    """Tells the subscribers of a feed when its market falls silent, and when it speaks again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._followed: dict[str, tuple[Feed, str]] = {}
        self._stale: dict[str, Reason] = {}
        self._troubles = OncePerKind(logger)

    def follow(self, source: str, feed: Feed, market: str) -> None:
        """Watch a feed's market from now on."""
        self._followed[source] = (feed, market)

    def said_of(self, source: str, topic: str) -> protocol.Stale | None:
        """Return what the subscribers of a topic were told and a new one has to know."""
        feed, market = self._followed.get(source, (None, ""))
        reason = self._stale.get(market)
        return self._frame(feed, topic, reason) if feed and reason else None

    def forget(self, source: str) -> None:
        """Watch a feed no more, and remember nothing of a market without one."""
        _, market = self._followed.pop(source, (None, ""))
        if all(market != other for _, other in self._followed.values()):
            self._stale.pop(market, None)

    def rest(self) -> None:
        """Remember nothing that was said: nobody looks for a while."""
        self._stale.clear()

    async def look(self) -> None:
        """Ask the judge, and tell what changed. Where it cannot say, nothing is told."""
        if not self._followed:
            return
        markets = {market for _, market in self._followed.values()}
        try:
            found = await registered()(markets)
        except Exception as error:  # noqa: BLE001 - a judge is an app's, and may fail as it likes
            self._troubles.add("the age of the market cannot be told", error=repr(error))
            return
        before, stale = self._stale, dict(found)
        self._stale = stale
        for feed, market in list(self._followed.values()):
            was, now = before.get(market), stale.get(market)
            if now is not None and now != was:
                self._tell(feed, now)
            elif was is not None and now is None:
                self._recover(feed, was)

    def _tell(self, feed: Feed, reason: Reason) -> None:
        for view in feed.views:
            view.notify(message_of(self._frame(feed, view.topic, reason)))

    def _recover(self, feed: Feed, reason: Reason) -> None:
        for view in feed.views:
            view.notify(message_of(protocol.Recovered(topic=view.topic, reason=reason, ts_sent=self._clock())))

    def _frame(self, feed: Feed, topic: str, reason: Reason) -> protocol.Stale:
        ts_event = feed.state.ts_event if feed.state else None
        return protocol.Stale(topic=topic, reason=reason, ts_event=ts_event, ts_sent=self._clock())

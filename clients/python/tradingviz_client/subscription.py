"""One topic as the client holds it: takes frames, refuses to go on after a hole. Opens nothing."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from tradingviz_client.frames import Ack, Delta, Document, Snapshot, apply

DISCONNECTED = "disconnected"
# In place of the id of a request that will be sent in a moment.
LATER = 0


def now_ms() -> int:
    """Return this machine's time, ms UTC."""
    return time.time_ns() // 1_000_000


class Position(NamedTuple):
    """Where a reader of a topic stands."""

    epoch: int
    seq: int


@dataclass(frozen=True, slots=True)
class Staleness:
    """Why a document is not the market as it is, and since when (ms UTC).

    `reason`: `feed_silent`, `market_closed`, `illiquid`, `data_quality` as the server says (`since` by its clock), or
    `disconnected` (by ours).
    """

    reason: str
    since: int


@dataclass(frozen=True, slots=True)
class Update:
    """A whole document (not to be changed: the next one shares parts of it), and how far it can be trusted.

    `ts_event` is the market's time of the document, `ts_sent` the server's when it sent it, ms UTC; `convention` says
    how the numbers were computed; `stale` is None where it is the market as it is.
    """

    channel: str
    topic: str
    document: Document
    epoch: int
    seq: int
    ts_event: int
    ts_sent: int
    convention: str
    stale: Staleness | None

    def age_ms(self, now: int | None = None) -> int:
        """Return how old the newest number is by this machine's clock (or at `now`), ms."""
        return (now_ms() if now is None else now) - self.ts_event


Notice = Callable[[str, Staleness], None]


class Subscription:
    """What was asked for and what came of it.

    Only the newest update is kept for a reader that is slow: every update is a whole document.
    """

    def __init__(self, request: Mapping[str, Any], on_stale: Notice, on_recovered: Notice) -> None:
        self.request = dict(request)
        self.topic: str | None = None
        self.asked: int | None = None  # id of the request whose answer is awaited: until then frames are of the past
        self.holes = 0
        self._on_stale = on_stale
        self._on_recovered = on_recovered
        self._held: Snapshot | Delta | None = None
        self._document: Document = {}
        self._stale: Staleness | None = None
        self._latest: Update | None = None
        self._failure: Exception | None = None
        self._ready = asyncio.Event()

    @property
    def position(self) -> Position | None:
        """Where it stands; None without a document."""
        return Position(self._held.epoch, self._held.seq) if self._held else None

    @property
    def established(self) -> bool:
        """Whether the server ever met the request."""
        return self.topic is not None

    def ask(self, request_id: int) -> dict[str, Any]:
        """Return the request that begins it, or goes on where it stands."""
        self.asked = request_id
        if self.topic is None or (position := self.position) is None:
            return {"op": "subscribe", "id": request_id, **self.request}
        return {"op": "resume", "id": request_id, **self.request, "topic": self.topic, **position._asdict()}

    def answered(self, ack: Ack) -> None:
        """Take the answer: frames count from now on."""
        self.asked = None
        moved = self.topic is not None and ack.topic != self.topic
        goes_on = not moved and ack.op == "resume" and ack.echo.get("resumed") is True
        if not goes_on:
            self._held = None
        if self._stale and (goes_on or (moved and self._stale.reason != DISCONNECTED)):
            self.recover()  # nothing more is said of the topic that was left
        self.topic = ack.topic

    def take(self, frame: Snapshot | Delta) -> bool:
        """Take a data frame; return False where something between it and the document is missing.

        What is held is then forgotten, and nothing is yielded before the next snapshot.
        """
        if self.asked is not None:
            return True
        if isinstance(frame, Snapshot):
            self._document = frame.data
        elif self.position == (frame.epoch, frame.prev) and frame.seq > frame.prev:
            self._document = apply(self._document, frame.data)
            self.holes = 0
        else:
            self._held = None
            self.holes += 1
            return False
        self._held = frame
        if self._stale and self._stale.reason == DISCONNECTED:
            self.recover()
        else:
            self._show()
        return True

    def restart(self) -> None:
        """Forget the document: the server has ended the subscription."""
        self._held = None
        self.holes += 1

    def stale(self, staleness: Staleness) -> None:
        """The market is not what was last seen."""
        if self._stale is None or self._stale.reason != staleness.reason:
            self._stale = staleness
            self._on_stale(self.topic or "", staleness)
            self._show()

    def recover(self) -> None:
        """It is again."""
        was, self._stale = self._stale, None
        if was:
            self._on_recovered(self.topic or "", was)
            self._show()

    def lose(self) -> None:
        """The connection is gone."""
        self.asked = None
        if self._latest:
            self.stale(Staleness(DISCONNECTED, now_ms()))
        else:
            self.recover()

    def fail(self, error: Exception) -> None:
        """Nothing will come any more: raise this to the reader."""
        self._failure = error
        self._ready.set()

    async def next(self) -> Update:
        """Return the newest update that was not returned yet; wait for one."""
        await self._ready.wait()
        if self._failure:
            raise self._failure
        self._ready.clear()
        assert self._latest is not None
        return self._latest

    def _show(self) -> None:
        if held := self._held:
            self._latest = Update(
                channel=held.channel,
                topic=held.topic,
                document=self._document,
                epoch=held.epoch,
                seq=held.seq,
                ts_event=held.ts_event,
                ts_sent=held.ts_sent,
                convention=held.convention,
                stale=self._stale,
            )
            self._ready.set()
